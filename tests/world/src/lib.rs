//! The **world**: a simulated AWS to run rollouts against. CodeDeploy, Auto Scaling, the instances with their agents and their tags,
//! as a deterministic simulation behind the services' real wire protocols.
//!
//! A [`Setting`] says what is there at the start, a [`Clock`] how time runs. [`World::router`] or [`serve`] answers the SDKs'
//! calls, [`World::events`] has the EventBridge events, [`World::report`] tells what happened.
//!
//! What must not happen is in [`Rule`]: the world finds most violations itself, and [`rules`] those that need to know of executions, of the
//! table of turns and of who makes a call.

mod autoscaling;
mod clock;
mod codedeploy;
mod delivery;
mod events;
mod fault;
mod faults;
mod gates;
mod http;
mod instance;
mod invariants;
mod launch;
mod notices;
mod protocol;
mod refusal;
mod report;
pub mod rules;
mod setting;
mod simulation;
mod tagging;
mod tags;
mod throttle;
mod violation;
mod world;

pub use clock::Clock;
pub use delivery::Delivery;
pub use fault::{Fault, FaultKind, InjectedFault, Service};
pub use faults::Faults;
pub use http::{Server, serve};
pub use launch::Launch;
pub use refusal::Refusal;
pub use report::{
    Call, Claim, ClosedBy, DeploymentReport, DiagnosticsReport, Effect, GateMove, HookActionReport, InstanceReport,
    Invocation, LifecycleEventReport, Report, TargetReport,
};
pub use setting::{
    ApplicationSetting, AutoRollbackConfiguration, AutoRollbackEvent, AutoScalingGroupSetting, CallRate,
    ComputePlatform, DeploymentConfigSetting, DeploymentType, Failure, FilterType, GitHubLocation, HookResult,
    HookSetting, LifecycleEventSeconds, MinimumHealthyHostsSetting, NothingOutdated, NothingOutdatedException,
    OpenFacts, OutdatedInstancesStrategy, Revision, RootVolumeHook, S3Location, Selection, Setting, SettingError,
    TagFilter, TerminateHookAbandon, Throttling, WarmPoolSetting,
};
pub use violation::{ActionId, Breach, Collision, CreatedBy, Deed, DeploymentId, Kind, Overlap, Rule, Violation};
pub use world::{Running, World};
