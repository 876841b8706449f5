//! What must not happen, as data: which rule was broken, when, and by what.

mod breach;
mod rule;

use std::fmt;

use serde::{Serialize, Serializer};

pub use breach::{Breach, Deed};
pub use rule::{Kind, Rule};

/// A rule was broken. In JSON it has the breach's fields beside `rule`, `kind`, `at` and `sentence`.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// When, in world seconds since the start.
    pub at: f64,
    /// Which rule, and how.
    pub breach: Breach,
}

impl Violation {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.breach.kind()
    }

    /// The rule that was broken.
    pub fn rule(&self) -> Rule {
        self.kind().rule()
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "at {:.1} s: {}", self.at, self.breach)
    }
}

impl Serialize for Violation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            rule: Rule,
            kind: Kind,
            #[serde(flatten)]
            breach: &'a Breach,
            at: f64,
            sentence: String,
        }
        let fields = Fields {
            rule: self.rule(),
            kind: self.kind(),
            breach: &self.breach,
            at: self.at,
            sentence: self.to_string(),
        };
        fields.serialize(serializer)
    }
}

/// Two deployments at work on one instance at once, of which a person or CodeDeploy itself created the later one. No rollout could have
/// known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Collision {
    /// When, in world seconds since the start.
    pub at: f64,
    /// Where and which.
    #[serde(flatten)]
    pub overlap: Overlap,
}

impl fmt::Display for Collision {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "at {:.1} s: {}", self.at, self.overlap)
    }
}

/// Two deployments at work on one instance at once.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overlap {
    /// The instance.
    pub instance_id: String,
    /// The one whose work there begins.
    pub began: DeploymentId,
    /// The one at work there.
    pub at_work: DeploymentId,
    /// The id of the one that was created later.
    pub later_deployment_id: String,
    /// Who created that.
    pub creator: CreatedBy,
}

impl Overlap {
    /// Whether it is about this instance or deployment, by its id.
    pub fn involves(&self, id: &str) -> bool {
        [&self.instance_id, &self.began.deployment_id, &self.at_work.deployment_id].into_iter().any(|own| own == id)
    }
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Overlap { instance_id, began, at_work, later_deployment_id, creator } = self;
        write!(
            f,
            "{began} began its work on {instance_id} while {at_work} was at work there; the later one, {later_deployment_id}, was created \
             by {creator}"
        )
    }
}

/// Who created a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum CreatedBy {
    /// A call of `CreateDeployment`, which is a rollout's.
    Call,
    /// A person, or a pipeline.
    Person,
    /// CodeDeploy itself.
    CodeDeploy,
}

impl fmt::Display for CreatedBy {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            CreatedBy::Call => "a call of CreateDeployment",
            CreatedBy::Person => "a person",
            CreatedBy::CodeDeploy => "CodeDeploy itself",
        })
    }
}

/// A deployment and what it is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentId {
    /// The application.
    pub application_name: String,
    /// The deployment group.
    pub deployment_group_name: String,
    /// `d-…`
    pub deployment_id: String,
}

impl fmt::Display for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let DeploymentId { application_name, deployment_group_name, deployment_id } = self;
        write!(f, "deployment {deployment_id} of {application_name}/{deployment_group_name}")
    }
}

/// A lifecycle action: one hook, waiting for one instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionId {
    /// The instance.
    pub instance_id: String,
    /// The hook's name.
    pub lifecycle_hook_name: String,
    /// Where the instance is on its way to: `AutoScalingGroup` or `WarmPool`.
    pub destination: &'static str,
}

impl ActionId {
    fn let_in(&self) -> String {
        let ActionId { instance_id, lifecycle_hook_name, destination } = self;
        let into = if *destination == "WarmPool" { "the warm pool" } else { "service" };
        format!("hook {lifecycle_hook_name} let {instance_id} into {into}")
    }
}

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "hook {} of {}", self.lifecycle_hook_name, self.instance_id)
    }
}
