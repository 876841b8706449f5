//! Which build of an application is deployed: the part of CodeDeploy's RevisionLocation that EC2 deployments use.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A revision in S3 or GitHub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Revision {
    S3(S3Object),
    GitHub { repository: String, commit_id: String },
}

/// A bundle in S3. It has a version and an ETag when the revision was registered with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct S3Object {
    pub bucket: String,
    pub key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e_tag: Option<String>,
}

impl Revision {
    /// Whether both are the same build. A revision that was registered without version or ETag stands for every version and ETag.
    pub fn is_same_build(&self, other: &Revision) -> bool {
        let agree = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
        match (self, other) {
            (Self::S3(a), Self::S3(b)) => {
                a.bucket == b.bucket && a.key == b.key && agree(&a.version, &b.version) && agree(&a.e_tag, &b.e_tag)
            }
            (a, b) => a == b,
        }
    }
}

/// The revision as an operator knows it: `s3://bucket/key`, or `github.com/repository@commit`.
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
