//! The rules, and the kinds of their violations.

use serde::{Deserialize, Serialize, Serializer};

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
    /// A launch has one owner: nobody else sends heartbeats for it, completes it or abandons it while its owner runs. Nothing is deployed or
    /// stopped by an execution without the turn, and no deployment is stopped that is somebody else's.
    OneOwner = 8,
    /// The heartbeat is the first call of every invocation of a rollout whose hook is open, so that a failure which passes sooner than the
    /// hook's heartbeat time-out never costs a launch.
    HeartbeatFirst = 9,
    /// With gates, no deployment but the one whose turn it is can reach an instance that waits at a launch hook, each instance gets its
    /// applications in the list's order, and no gate is left behind: `open` on what is in service, and nothing but that.
    Gates = 10,
    /// A dry run changes nothing: every call that is made for it only reads.
    DryRun = 11,
}

impl Rule {
    /// The rule's number, 1 to 11.
    pub fn number(self) -> u8 {
        self as u8
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

/// The kinds of violations. Each breaks one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "they are those of Breach")]
pub enum Kind {
    TwoAtWork,
    LetInWithoutApplications,
    LetInAfterFailure,
    LetInDuringDeployment,
    HookTimedOut,
    HookLeftOpen,
    WrongResult,
    TurnLost,
    FailureNotExplained,
    DeploymentRepeated,
    TaskDeployedTwice,
    OldBuild,
    NotTheOwner,
    DeployedWithoutTurn,
    StoppedWithoutTurn,
    StoppedForeignDeployment,
    StoppedForOthers,
    HeartbeatNotFirst,
    OwnerLetTimeOut,
    GateMovedWithoutTurn,
    ReachedAfterTurn,
    GateOpenedEarly,
    OutOfOrder,
    LetInWithWrongGate,
    GateLeftBehind,
    DryRunWrote,
}

impl Kind {
    /// The rule that violations of this kind break.
    pub fn rule(self) -> Rule {
        match self {
            Kind::TwoAtWork => Rule::OneAtATime,
            Kind::LetInWithoutApplications | Kind::LetInAfterFailure | Kind::LetInDuringDeployment => {
                Rule::UpToDateInService
            }
            Kind::HookTimedOut | Kind::HookLeftOpen | Kind::WrongResult => Rule::HookCompleted,
            Kind::TurnLost => Rule::TurnKept,
            Kind::FailureNotExplained => Rule::FailureExplained,
            Kind::DeploymentRepeated | Kind::TaskDeployedTwice => Rule::RepeatedCallHarmless,
            Kind::OldBuild => Rule::CurrentBuild,
            Kind::NotTheOwner
            | Kind::DeployedWithoutTurn
            | Kind::StoppedWithoutTurn
            | Kind::StoppedForeignDeployment
            | Kind::StoppedForOthers => Rule::OneOwner,
            Kind::HeartbeatNotFirst | Kind::OwnerLetTimeOut => Rule::HeartbeatFirst,
            Kind::GateMovedWithoutTurn
            | Kind::ReachedAfterTurn
            | Kind::GateOpenedEarly
            | Kind::OutOfOrder
            | Kind::LetInWithWrongGate
            | Kind::GateLeftBehind => Rule::Gates,
            Kind::DryRunWrote => Rule::DryRun,
        }
    }
}
