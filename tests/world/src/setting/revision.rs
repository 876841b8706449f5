//! Where builds are.

use serde::{Deserialize, Serialize};

/// Where a revision is, in the API's own shape (`RevisionLocation`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "revisionType", deny_unknown_fields)]
pub enum Revision {
    /// A bundle in Amazon S3.
    S3 {
        /// Where.
        #[serde(rename = "s3Location")]
        s3_location: S3Location,
    },
    /// A commit on GitHub.
    GitHub {
        /// Where.
        #[serde(rename = "gitHubLocation")]
        git_hub_location: GitHubLocation,
    },
}

impl Revision {
    /// The zip bundle at `key` in `bucket`.
    pub fn s3(bucket: &str, key: &str) -> Self {
        let s3_location = S3Location {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            bundle_type: Some("zip".to_owned()),
            version: None,
            e_tag: None,
        };
        Revision::S3 { s3_location }
    }

    /// The S3 object key or the commit id.
    pub(crate) fn name(&self) -> &str {
        match self {
            Revision::S3 { s3_location } => &s3_location.key,
            Revision::GitHub { git_hub_location } => &git_hub_location.commit_id,
        }
    }
}

/// The API's `S3Location`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct S3Location {
    /// Bucket name.
    pub bucket: String,
    /// Object key.
    pub key: String,
    /// `zip`, `tar`, `tgz`, `YAML` or `JSON`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle_type: Option<String>,
    /// Object version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Object ETag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e_tag: Option<String>,
}

/// The API's `GitHubLocation`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GitHubLocation {
    /// `account/repository`.
    pub repository: String,
    /// SHA-1 of the commit.
    pub commit_id: String,
}
