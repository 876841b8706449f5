//! What must not happen, as data: which rule was broken, when, and by what.

use std::fmt;

use serde::{Serialize, Serializer};

/// A rule that holds in every run, whatever the scenario and whatever AWS does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Never two deployments at work on one instance at once.
    OneAtATime = 1,
    /// An instance is let into service, or into the warm pool, only when for every application its own target has succeeded on the
    /// application's current revision.
    UpToDateInService = 2,
    /// A hook that is still open is completed exactly once, by a rollout and not by its time-out: with CONTINUE, or after a failure as
    /// `onFailure` says.
    HookCompleted = 3,
    /// A turn is never lost: when its holder ends in any way, the next rollout takes it over.
    TurnKept = 4,
    /// A failure reads like an answer: which application, which deployment, which lifecycle event, which script, its error code and the
    /// tail of its log.
    FailureExplained = 5,
    /// A call that is repeated after a lost answer changes nothing.
    RepeatedCallHarmless = 6,
    /// No deployment of a rollout brings a build that was not current when the deployment was created. Current is the build of the group's
    /// newest deployment that has succeeded.
    CurrentBuild = 7,
    /// A launch has one owner: nobody else sends heartbeats for it, completes it or abandons it while its owner runs. Nor does anybody
    /// deploy, or stop a deployment, that is not theirs to.
    OneOwner = 8,
    /// The heartbeat is the first call of every invocation of a rollout whose hook is open, so that a failure which passes sooner than the
    /// hook's heartbeat time-out never costs a launch.
    HeartbeatFirst = 9,
}

impl Rule {
    /// The rule's number, 1 to 9.
    pub fn number(self) -> u8 {
        self as u8
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

/// A rule was broken. In JSON it has the breach's fields beside `rule`, `kind`, `at` and `sentence`.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// When, in world seconds since the start.
    pub at: f64,
    /// Which rule, and how.
    pub breach: Breach,
}

impl Violation {
    /// The rule that was broken.
    pub fn rule(&self) -> Rule {
        self.breach.rule()
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
            #[serde(flatten)]
            breach: &'a Breach,
            at: f64,
            sentence: String,
        }
        let fields = Fields { rule: self.rule(), breach: &self.breach, at: self.at, sentence: self.to_string() };
        fields.serialize(serializer)
    }
}

/// How a rule was broken.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Breach {
    /// A deployment that was created by a call of `CreateDeployment` met another one on an instance.
    TwoAtWork {
        /// Where and which.
        #[serde(flatten)]
        overlap: Overlap,
    },
    /// A hook let an instance in without applications.
    LetInWithoutApplications {
        /// What was completed.
        #[serde(flatten)]
        action: ActionId,
        /// `application/deployment group` of those that have not succeeded there on their current revision.
        applications: Vec<String>,
    },
    /// A hook let an instance in although the last deployment that changed it failed there.
    LetInAfterFailure {
        /// What was completed.
        #[serde(flatten)]
        action: ActionId,
        /// The one that failed.
        #[serde(flatten)]
        deployment: DeploymentId,
    },
    /// A hook let an instance in while a deployment was at work there.
    LetInDuringDeployment {
        /// What was completed.
        #[serde(flatten)]
        action: ActionId,
        /// The one at work.
        #[serde(flatten)]
        deployment: DeploymentId,
    },
    /// A hook ended by its time-out.
    HookTimedOut {
        /// What timed out.
        #[serde(flatten)]
        action: ActionId,
    },
    /// A hook is open although nothing goes on any more.
    HookLeftOpen {
        /// What was left open.
        #[serde(flatten)]
        action: ActionId,
    },
    /// A repeated call made a second deployment.
    DeploymentRepeated {
        /// The second one.
        #[serde(flatten)]
        deployment: DeploymentId,
        /// The id of the first one.
        earlier_deployment_id: String,
        /// What both have.
        description: String,
    },
    /// A deployment of a rollout began on an instance with a build that was not current when the deployment was created.
    OldBuild {
        /// The one that began.
        #[serde(flatten)]
        deployment: DeploymentId,
        /// The instance.
        instance_id: String,
        /// Whether it was in service.
        in_service: bool,
        /// The S3 object key or commit id of the build that the deployment brings.
        revision: String,
        /// That of the build that was current when it was created.
        current: String,
    },
    /// A call stopped a deployment that no call had created.
    StoppedForeignDeployment {
        /// The one that was stopped.
        #[serde(flatten)]
        deployment: DeploymentId,
        /// Who had created it.
        creator: CreatedBy,
    },
    /// A call stopped a deployment at work that had still to come to others.
    StoppedForOthers {
        /// The one that was stopped.
        #[serde(flatten)]
        deployment: DeploymentId,
        /// So many of its targets were at work.
        at_work: usize,
        /// So many of its targets were not over.
        not_over: usize,
    },
}

impl Breach {
    /// The rule that it breaks.
    pub fn rule(&self) -> Rule {
        match self {
            Breach::TwoAtWork { .. } => Rule::OneAtATime,
            Breach::LetInWithoutApplications { .. }
            | Breach::LetInAfterFailure { .. }
            | Breach::LetInDuringDeployment { .. } => Rule::UpToDateInService,
            Breach::HookTimedOut { .. } | Breach::HookLeftOpen { .. } => Rule::HookCompleted,
            Breach::DeploymentRepeated { .. } => Rule::RepeatedCallHarmless,
            Breach::OldBuild { .. } => Rule::CurrentBuild,
            Breach::StoppedForeignDeployment { .. } | Breach::StoppedForOthers { .. } => Rule::OneOwner,
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Breach::TwoAtWork { overlap } => overlap.fmt(f),
            Breach::LetInWithoutApplications { action, applications } => {
                let missing = applications.join(", ");
                write!(
                    f,
                    "{} although these have not succeeded on it at their current revision: {missing}",
                    action.let_in()
                )
            }
            Breach::LetInAfterFailure { action, deployment } => {
                write!(f, "{} although {deployment}, the last that changed it, failed there", action.let_in())
            }
            Breach::LetInDuringDeployment { action, deployment } => {
                write!(f, "{} while {deployment} was at work there", action.let_in())
            }
            Breach::HookTimedOut { action } => write!(f, "{action} timed out instead of being completed"),
            Breach::HookLeftOpen { action } => write!(f, "{action} was left open"),
            Breach::DeploymentRepeated { deployment, earlier_deployment_id, description } => {
                write!(f, "{deployment} repeats {earlier_deployment_id}: both have the description {description:?}")
            }
            Breach::OldBuild { deployment, instance_id, in_service, revision, current } => {
                let state = if *in_service { "in service" } else { "not in service" };
                write!(
                    f,
                    "{deployment} began to bring {revision} to {instance_id}, which is {state}, although {current} was current when it was \
                     created"
                )
            }
            Breach::StoppedForeignDeployment { deployment, creator } => {
                write!(f, "a call stopped {deployment}, which {creator} had created")
            }
            Breach::StoppedForOthers { deployment, at_work, not_over } => write!(
                f,
                "a call stopped {deployment}, {not_over} of whose targets were not over, and {at_work} at work"
            ),
        }
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
