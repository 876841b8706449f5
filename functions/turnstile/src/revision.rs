//! Which build of an application: the part of CodeDeploy's RevisionLocation that EC2 deployments use.

use std::fmt;

use aws_sdk_codedeploy::types::{BundleType, GitHubLocation, RevisionLocation, RevisionLocationType, S3Location};
use serde::{Deserialize, Serialize};

/// A revision in S3 or GitHub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Revision {
    S3(S3Object),
    GitHub { repository: String, commit_id: String },
}

/// A bundle in S3. Version and ETag are there when the revision was registered with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct S3Object {
    bucket: String,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e_tag: Option<String>,
}

impl Revision {
    /// Whether both are the same build. One that was registered without version or ETag stands for any of them.
    pub fn is_same_build(&self, other: &Revision) -> bool {
        let agree = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
        match (self, other) {
            (Self::S3(a), Self::S3(b)) => {
                a.bucket == b.bucket && a.key == b.key && agree(&a.version, &b.version) && agree(&a.e_tag, &b.e_tag)
            }
            (a, b) => a == b,
        }
    }

    /// `None` when the location is of a kind that EC2 deployments don't have.
    pub(crate) fn from_sdk(location: &RevisionLocation) -> Option<Self> {
        if let Some(s3) = location.s3_location() {
            return Some(Self::S3(S3Object {
                bucket: s3.bucket()?.to_owned(),
                key: s3.key()?.to_owned(),
                bundle_type: s3.bundle_type().map(|b| b.as_str().to_owned()),
                version: s3.version().map(str::to_owned),
                e_tag: s3.e_tag().map(str::to_owned),
            }));
        }
        let git_hub = location.git_hub_location()?;
        Some(Self::GitHub { repository: git_hub.repository()?.to_owned(), commit_id: git_hub.commit_id()?.to_owned() })
    }

    pub(crate) fn to_sdk(&self) -> RevisionLocation {
        match self {
            Self::S3(s3) => RevisionLocation::builder()
                .revision_type(RevisionLocationType::S3)
                .s3_location(
                    S3Location::builder()
                        .bucket(&s3.bucket)
                        .key(&s3.key)
                        .set_bundle_type(s3.bundle_type.as_deref().map(BundleType::from))
                        .set_version(s3.version.clone())
                        .set_e_tag(s3.e_tag.clone())
                        .build(),
                )
                .build(),
            Self::GitHub { repository, commit_id } => RevisionLocation::builder()
                .revision_type(RevisionLocationType::GitHub)
                .git_hub_location(GitHubLocation::builder().repository(repository).commit_id(commit_id).build())
                .build(),
        }
    }
}

/// As an operator knows it: `s3://bucket/key`, or `github.com/repository@commit`.
impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3(s3) => {
                write!(f, "s3://{}/{}", s3.bucket, s3.key)?;
                s3.version.as_ref().map_or(Ok(()), |version| write!(f, "?versionId={version}"))
            }
            Self::GitHub { repository, commit_id } => write!(f, "github.com/{repository}@{commit_id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s3(key: &str, version: Option<&str>, e_tag: Option<&str>) -> Revision {
        Revision::S3(S3Object {
            bucket: "builds".into(),
            key: key.into(),
            bundle_type: Some("zip".into()),
            version: version.map(Into::into),
            e_tag: e_tag.map(Into::into),
        })
    }

    #[test]
    fn a_revision_survives_the_way_to_the_sdk_and_back() {
        for revision in [
            s3("a.zip", Some("v1"), Some("e1")),
            s3("a.zip", None, None),
            Revision::GitHub { repository: "me/app".into(), commit_id: "abc".into() },
        ] {
            assert_eq!(Revision::from_sdk(&revision.to_sdk()), Some(revision));
        }
    }

    #[test]
    fn the_same_build_is_told_by_what_both_know() {
        let registered = s3("a.zip", None, Some("e1"));
        for (other, same) in [
            (s3("a.zip", None, Some("e1")), true),
            (s3("a.zip", Some("v1"), None), true),
            (s3("a.zip", None, Some("e2")), false),
            (s3("b.zip", None, Some("e1")), false),
            (Revision::GitHub { repository: "me/app".into(), commit_id: "abc".into() }, false),
        ] {
            assert_eq!(registered.is_same_build(&other), same, "{other}");
            assert_eq!(other.is_same_build(&registered), same, "{other}");
        }
    }
}
