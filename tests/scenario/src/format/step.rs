//! The steps of a scenario.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use world::HookResult;

use super::short::{self, Short};
use super::{Condition, Hook, Object, is_default};

/// The number of a launched instance: the one launched first is 1. Replacements have numbers; instances in service at the start have none.
pub type LaunchNumber = usize;

/// An action and when it happens. Exactly one of the actions is given.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Step {
    /// The earliest time, in world seconds. The step before comes first in any case. Default 0.
    #[serde(skip_serializing_if = "is_default")]
    pub at: f64,
    /// What the step waits for besides. `null` (the default): nothing.
    #[serde(skip_serializing_if = "is_default")]
    pub when: Option<Condition>,
    /// Whether the step is skipped when it is not possible at its time, for instance because the instance is gone, and when what it waits for
    /// does not come: within 900 s, or before nothing goes on any more. Default false: the run waits until the step is possible.
    #[serde(skip_serializing_if = "is_default")]
    pub if_possible: bool,
    /// Instances are launched.
    #[serde(skip_serializing_if = "is_default")]
    pub launch: Option<Launch>,
    /// A person terminates an instance. Its group launches another.
    #[serde(skip_serializing_if = "is_default")]
    pub terminate: Option<LaunchNumber>,
    /// An instance's agent takes no further command.
    #[serde(skip_serializing_if = "is_default")]
    pub silence_agent: Option<LaunchNumber>,
    /// An instance goes back into the warm pool because its group scales in.
    #[serde(skip_serializing_if = "is_default")]
    pub return_to_pool: Option<LaunchNumber>,
    /// Somebody takes an instance out of its group, which launches another; it runs on.
    #[serde(skip_serializing_if = "is_default")]
    pub detach: Option<LaunchNumber>,
    /// An instance refresh replaces the root volume of an instance: its disk is empty.
    #[serde(skip_serializing_if = "is_default")]
    pub replace_root_volume: Option<LaunchNumber>,
    /// A person aborts the running execution of an instance.
    #[serde(skip_serializing_if = "is_default")]
    pub abort: Option<LaunchNumber>,
    /// A person redrives the newest execution of an instance that has ended without success. Simulation only.
    #[serde(skip_serializing_if = "is_default")]
    pub redrive: Option<LaunchNumber>,
    /// A person deletes every item of the table of turns.
    #[serde(skip_serializing_if = "is_default")]
    pub delete_turns: bool,
    /// A person holds this Auto Scaling group: no rollout of it makes a deployment.
    #[serde(skip_serializing_if = "is_default")]
    pub hold: Option<String>,
    /// A person releases this Auto Scaling group.
    #[serde(skip_serializing_if = "is_default")]
    pub release: Option<String>,
    /// A person updates the stack to a version whose requests have another form.
    #[serde(skip_serializing_if = "is_default")]
    pub update_stack: bool,
    /// A person disables the rule that invokes start-rollout on a schedule, or enables it. Simulation only.
    #[serde(skip_serializing_if = "is_default")]
    pub enable_schedule: Option<bool>,
    /// A person empties the queues of lost launches and of untold rollouts. Simulation only.
    #[serde(skip_serializing_if = "is_default")]
    pub empty_queues: bool,
    /// A person deploys, as soon as the deployment group is free.
    #[serde(skip_serializing_if = "is_default")]
    pub deploy: Option<Deploy>,
    /// A person stops the deployment of this application that is under way.
    #[serde(skip_serializing_if = "is_default")]
    pub stop_deployment: Option<String>,
    /// A person deletes an application with its deployment groups.
    #[serde(skip_serializing_if = "is_default")]
    pub delete_application: Option<String>,
    /// A person narrows what the functions are permitted: an application is out of it.
    #[serde(skip_serializing_if = "is_default")]
    pub forbid_application: Option<String>,
    /// Somebody makes an Auto Scaling group that is not there at the start.
    #[serde(skip_serializing_if = "is_default")]
    pub make_group: Option<String>,
    /// Somebody deletes an Auto Scaling group with its instances.
    #[serde(skip_serializing_if = "is_default")]
    pub delete_group: Option<String>,
    /// A person puts Turnstile's launch hook on an Auto Scaling group.
    #[serde(skip_serializing_if = "is_default")]
    pub put_hook: Option<PutHook>,
    /// A person deletes Turnstile's launch hook of this Auto Scaling group.
    #[serde(skip_serializing_if = "is_default")]
    pub delete_hook: Option<String>,
    /// An alarm goes on or off.
    #[serde(skip_serializing_if = "is_default")]
    pub set_alarm: Option<SetAlarm>,
    /// A person writes a tag of an instance, or deletes it.
    #[serde(skip_serializing_if = "is_default")]
    pub set_tag: Option<SetTag>,
    /// A person starts an execution of the state machine.
    #[serde(skip_serializing_if = "is_default")]
    pub start_rollout: Option<Start>,
    /// A person completes the launch hook of an instance.
    #[serde(skip_serializing_if = "is_default")]
    pub complete_hook: Option<Completion>,
    /// start-rollout receives an event or a notification. `{launch 1}` in a text is replaced by that instance's id.
    #[serde(skip_serializing_if = "is_default")]
    pub send_event: Option<Value>,
    /// Fields of start-rollout's answer to `sendEvent`. Default none.
    #[serde(skip_serializing_if = "is_default")]
    pub answer: Object,
}

/// The action of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the names are Step's")]
pub enum Action<'a> {
    Launch(&'a Launch),
    Terminate(LaunchNumber),
    SilenceAgent(LaunchNumber),
    ReturnToPool(LaunchNumber),
    Detach(LaunchNumber),
    ReplaceRootVolume(LaunchNumber),
    Abort(LaunchNumber),
    Redrive(LaunchNumber),
    DeleteTurns,
    Hold(&'a str),
    Release(&'a str),
    UpdateStack,
    EnableSchedule(bool),
    EmptyQueues,
    Deploy(&'a Deploy),
    StopDeployment(&'a str),
    DeleteApplication(&'a str),
    ForbidApplication(&'a str),
    MakeGroup(&'a str),
    DeleteGroup(&'a str),
    PutHook(&'a PutHook),
    DeleteHook(&'a str),
    SetAlarm(&'a SetAlarm),
    SetTag(&'a SetTag),
    StartRollout(&'a Start),
    CompleteHook(&'a Completion),
    /// The event, and fields of the answer.
    SendEvent(&'a Value, &'a Object),
}

impl Step {
    /// The step's action.
    ///
    /// # Errors
    /// Unless exactly one is given.
    pub fn action(&self) -> Result<Action<'_>, String> {
        let given = [
            self.launch.as_ref().map(Action::Launch),
            self.terminate.map(Action::Terminate),
            self.silence_agent.map(Action::SilenceAgent),
            self.return_to_pool.map(Action::ReturnToPool),
            self.detach.map(Action::Detach),
            self.replace_root_volume.map(Action::ReplaceRootVolume),
            self.abort.map(Action::Abort),
            self.redrive.map(Action::Redrive),
            self.delete_turns.then_some(Action::DeleteTurns),
            self.hold.as_deref().map(Action::Hold),
            self.release.as_deref().map(Action::Release),
            self.update_stack.then_some(Action::UpdateStack),
            self.enable_schedule.map(Action::EnableSchedule),
            self.empty_queues.then_some(Action::EmptyQueues),
            self.deploy.as_ref().map(Action::Deploy),
            self.stop_deployment.as_deref().map(Action::StopDeployment),
            self.delete_application.as_deref().map(Action::DeleteApplication),
            self.forbid_application.as_deref().map(Action::ForbidApplication),
            self.make_group.as_deref().map(Action::MakeGroup),
            self.delete_group.as_deref().map(Action::DeleteGroup),
            self.put_hook.as_ref().map(Action::PutHook),
            self.delete_hook.as_deref().map(Action::DeleteHook),
            self.set_alarm.as_ref().map(Action::SetAlarm),
            self.set_tag.as_ref().map(Action::SetTag),
            self.start_rollout.as_ref().map(Action::StartRollout),
            self.complete_hook.as_ref().map(Action::CompleteHook),
            self.send_event.as_ref().map(|event| Action::SendEvent(event, &self.answer)),
        ];
        let given: Vec<Action> = given.into_iter().flatten().collect();
        match given.as_slice() {
            [action] => Ok(*action),
            _ => Err(format!(
                "expected exactly one of launch, terminate, silenceAgent, returnToPool, detach, replaceRootVolume, abort, redrive, deleteTurns, \
                 hold, release, updateStack, enableSchedule, emptyQueues, deploy, stopDeployment, deleteApplication, forbidApplication, makeGroup, deleteGroup, \
                 putHook, deleteHook, setAlarm, setTag, startRollout, completeHook and sendEvent, got {}",
                given.len()
            )),
        }
    }
}

/// Launches of instances. The short form is their number.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Launch {
    /// How many. Default 1.
    pub count: usize,
    /// World seconds over which the launches are spread evenly. Default 0: all at once.
    #[serde(skip_serializing_if = "is_default")]
    pub over: f64,
    /// The Auto Scaling group. `null` (the default): the first.
    #[serde(skip_serializing_if = "is_default")]
    pub group: Option<String>,
    /// Seconds from a launch to `Pending:Wait`. Default: the group's.
    #[serde(skip_serializing_if = "is_default")]
    pub boot_seconds: Option<f64>,
    /// Seconds from there until the CodeDeploy agent answers; `null`: it never does. Default: the group's.
    #[serde(deserialize_with = "given", skip_serializing_if = "is_default")]
    pub agent_seconds: Option<Option<f64>>,
}

/// Reads a value that is given, so that `null` differs from no value.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Default for Launch {
    fn default() -> Self {
        Self { count: 1, over: 0.0, group: None, boot_seconds: None, agent_seconds: None }
    }
}

impl Short for Launch {
    const EXPECTED: &str = "a number of instances or an object";

    fn of_number(number: u64) -> Option<Self> {
        Some(Self { count: usize::try_from(number).ok()?, ..Self::default() })
    }

    fn of_object<'de, D: Deserializer<'de>>(object: D) -> Result<Self, D::Error> {
        Launch::deserialize(object)
    }
}

impl<'de> Deserialize<'de> for Launch {
    fn deserialize<D: Deserializer<'de>>(given: D) -> Result<Self, D::Error> {
        short::read(given)
    }
}

impl Serialize for Launch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if *self == (Self { count: self.count, ..Self::default() }) {
            return self.count.serialize(serializer);
        }
        Launch::serialize(self, serializer)
    }
}

/// A deployment by a person.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deploy {
    /// The application's name, as in the world.
    pub application: String,
    /// The revision, such as `Orders-2.zip`. `null` (the default): the deployment group's own. With `times`, `{n}` in it stands for 1, 2 and so on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub revision: Option<String>,
    /// Whether it only restarts what is installed, and brings no revision. Default false.
    #[serde(default, skip_serializing_if = "is_default")]
    pub restart: bool,
    /// So many deployments, as a pipeline makes them. Default 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub times: usize,
    /// World seconds from one to the next, if the group is free by then. Default 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub every_seconds: f64,
}

impl Deploy {
    /// The revisions of all its deployments, if it names any.
    pub fn revisions(&self) -> Option<Vec<String>> {
        let revision = self.revision.as_ref()?;
        Some((1..=self.times).map(|n| revision.replace("{n}", &n.to_string())).collect())
    }
}

fn one() -> usize {
    1
}

fn is_one(given: &usize) -> bool {
    *given == one()
}

/// Turnstile's launch hook, put on a group by a person.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PutHook {
    /// The Auto Scaling group.
    pub group: String,
    /// The hook. Default as that of a group.
    #[serde(default, skip_serializing_if = "is_usual_hook")]
    pub hook: Hook,
}

fn is_usual_hook(given: &Hook) -> bool {
    *given == Hook::default()
}

/// An alarm that goes on or off.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetAlarm {
    /// Its name, as an application's `alarms` have it.
    pub name: String,
    /// Whether it goes on.
    pub on: bool,
}

/// A tag that a person writes, or deletes.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetTag {
    /// The launch whose instance has it.
    pub launch: LaunchNumber,
    /// Its key. Default `turnstile`, which is the gate.
    #[serde(default = "gate_key", skip_serializing_if = "is_gate_key")]
    pub key: String,
    /// Its value; `null` deletes the tag.
    pub value: Option<String>,
}

fn gate_key() -> String {
    world::Setting::default().gate_key
}

fn is_gate_key(given: &str) -> bool {
    given == gate_key()
}

/// An execution that a person starts.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Start {
    /// The execution's name. Default: a random one.
    #[serde(skip_serializing_if = "is_default")]
    pub name: Option<String>,
    /// The input. `{launch 1}` in a text is replaced by that instance's id.
    pub input: Object,
}

/// A completion of a launch hook by a person.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Completion {
    /// The launch whose instance waits.
    pub launch: LaunchNumber,
    /// The result.
    pub result: HookResult,
}
