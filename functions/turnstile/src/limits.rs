//! Every limit that a rollout keeps to, with its reason and, for a limit of AWS, its source. Times are in seconds.

// CodeDeploy

/// How long a deployment may go on without one of its targets at work or coming to an end, before the targets that have not begun
/// count as dead. Each lifecycle event has to start within five minutes of the one before (CodeDeploy user guide, "CodeDeploy
/// quotas").
pub const GRACE: u32 = 300;
/// The longest that one lifecycle event can be at work: it starts within five minutes of the one before, and its script is ended
/// after an hour (CodeDeploy user guide, "CodeDeploy quotas").
pub const LONGEST_EVENT: u32 = 3_900;
/// CodeDeploy ends every deployment after 8 to 12 hours (CodeDeploy user guide, "CodeDeploy quotas").
pub const LONGEST_DEPLOYMENT: u32 = 43_200;

// Auto Scaling

/// A hook can be kept open for 100 times its heartbeat time-out (Auto Scaling API reference, PutLifecycleHook).
pub const MOST_HEARTBEAT_TIMEOUTS: u32 = 100;
/// The shortest heartbeat time-out that a hook can have (Auto Scaling API reference, PutLifecycleHook).
pub const SHORTEST_HEARTBEAT_TIMEOUT: u32 = 30;
/// The shortest heartbeat time-out that the stack gives its own hook: the MinValue of HeartbeatTimeout in template.yaml.
pub const SHORTEST_OWN_HEARTBEAT_TIMEOUT: u32 = 120;
/// A hook can be kept open for 48 hours (Auto Scaling API reference, PutLifecycleHook).
pub const LONGEST_HOOK: u32 = 48 * 3_600;

// Step Functions, Lambda and DynamoDB

/// How long the state machine waits for a call of a function: the TimeoutSeconds of every state that calls one.
pub const LONGEST_TASK: u32 = 75;
/// The longest pause before the state machine repeats a call that could not be made, or that AWS throttled: the greatest MaxDelaySeconds
/// of such a retrier.
pub const LONGEST_PAUSE: u32 = 10;
/// The longest that a call of a function can go on after its execution has ended: the functions' Timeout in template.yaml, the 10 s
/// that an environment may take to start (Lambda developer guide, "Lambda execution environment lifecycle"), and some for the way.
pub const LONGEST_CALL: u32 = 90;
/// How far Step Functions' answers about an execution may trail its start and its end. They are eventually consistent (Step Functions API
/// reference, DescribeExecution), without a bound that is documented; this one is generous.
pub const LONGEST_TRAIL: u32 = 30;
/// How many applications a rollout may have: a transaction writes at most 100 items (DynamoDB API reference, TransactWriteItems), and
/// one of them is the claim on the Auto Scaling group.
pub const MOST_APPLICATIONS: usize = 99;
/// An execution's cause has at most 32,768 characters (Step Functions API reference, SendTaskFailure). Turnstile counts bytes, of which
/// there are no fewer.
pub const LONGEST_CAUSE: usize = 32_768;
/// How many instances a failure names, so that its cause is not too long.
pub const MOST_INSTANCES_NAMED: usize = 200;
/// How many instances in service an application names to which its deployment came too. All of a rollout's applications together have to fit
/// into the 256 KiB that the state machine can carry (Step Functions developer guide, "Service quotas").
pub const MOST_ALSO_DEPLOYED_TO: usize = 20;
/// How many bytes the warnings of a plan have together. The plan goes from state to state, and into the output.
pub const LONGEST_WARNINGS: usize = 16_000;
/// How many characters a warning has: the longest are those that have a command for the operator.
pub const LONGEST_WARNING: usize = 4_000;
/// How many applications a dry run looks at, of those that it checks. With five calls for each, at a fifth of a second, they take a third of the
/// time that a function has; the checks of the longest list take another third.
pub const MOST_APPLICATIONS_LOOKED_AT: usize = 20;
/// How many calls of CodeDeploy a dry run makes to find out which instances in service are outdated, and a rollout of a whole group before each
/// deployment: a quarter of the time that a function has.
pub const MOST_CALLS_ABOUT_FLEET: usize = 75;
/// How many characters of a script's log a failure quotes. CodeDeploy returns up to 4 KB, and the cause has to hold more than that
/// one field.
pub const LONGEST_LOG_TAIL: usize = 1_500;
/// How many characters of any other text of a script, an agent or AWS a failure quotes.
pub const LONGEST_MESSAGE: usize = 500;
/// How many bytes the reason of a failed deployment may have, in JSON: together with what is added to it, it has to fit into a cause.
pub const LONGEST_REASON: usize = 30_000;

// Notifications

/// How many bytes of an event's `detail` Turnstile fills. All entries of a call of PutEvents have 256 KiB together, with their other fields
/// (EventBridge user guide, "Calculating PutEvents event entry size").
pub const LONGEST_EVENT_DETAIL: usize = 240_000;
/// The subject of a message has less than 100 ASCII characters, and no line break (SNS API reference, Publish).
pub const LONGEST_SUBJECT: usize = 99;
/// How many characters of a field a message quotes. A message has at most 256 KiB (SNS API reference, Publish), but this one is read by people.
pub const LONGEST_QUOTE: usize = 2_000;
/// How many of a rollout's warnings a message has.
pub const MOST_WARNINGS_TOLD: usize = 5;
/// How long a call of report-outcome has an end of a rollout to itself, in seconds: until it is over for certain.
pub const LONGEST_TELLING: u32 = LONGEST_CALL;
/// For how long the table keeps that an end of a rollout was told, in seconds. Events and messages that went to a queue are there for 14 days.
pub const TOLD_IS_KEPT: u32 = 15 * 24 * 3_600;
const _: () = assert!(TOLD_IS_KEPT > LONGEST_UNTOLD && TOLD_IS_KEPT > 14 * 24 * 3_600);
/// How long ago a rollout has ended, in seconds, that the schedule finds untold. An event needs some time, and so do Lambda's retries of its
/// invocation, which come after one minute and after two more (Lambda developer guide, "How Lambda handles errors and retries with asynchronous
/// invocation").
pub const SHORTEST_UNTOLD: u32 = 420;
/// How long ago at the most.
pub const LONGEST_UNTOLD: u32 = 2 * 3_600;
/// How long an execution may take until it times out: the definition's TimeoutSeconds.
pub const LONGEST_EXECUTION: u32 = 180_000;
/// How long after its end an execution can be redriven (Step Functions developer guide, "Redrive behaviors").
pub const LONGEST_REDRIVABLE: u32 = 14 * 24 * 3_600;

// Turnstile

/// How long a rollout without a hook may take: as long as one whose hook is kept open.
pub const LONGEST_ROLLOUT: u32 = LONGEST_HOOK;
/// How many times a rollout goes through its applications again because of somebody else: one of them got a new revision meanwhile,
/// or another instance's failure kept its own out of a deployment. Nothing unusual once, but not for ever.
pub const MOST_REPEATS: u32 = 9;
/// How many deployments of an attempt may miss the instance before its gate can no longer be the reason. A deployment and the wait before the
/// next take some 15 s at the least, so these outlast the two minutes that are granted a tag.
pub const MOST_MISSES: u32 = 9;
/// How many rollouts a launch may have until the schedule starts no more: eight fail in an hour and the time that they take.
pub const MOST_ROLLOUTS: u32 = 8;
/// How long the schedule helps a launch that has no rollout. A hook is over by itself after 7,200 s at the latest (Auto Scaling API reference,
/// PutLifecycleHook) from when its instance has booted, so the launch waits for longer only because the schedule keeps its hook open.
pub const LONGEST_WITHOUT_ROLLOUT: u32 = 3 * 3_600;
/// How many failed launches in a row are counted: more make no difference to the time that a rollout backs off.
pub const MOST_FAILURES: u32 = 16;
/// How many launches of a group have to fail in a row until one that was terminated while it waited is taken for another hook's doing.
pub const ABANDONED_IN_A_ROW: u32 = 3;
/// Of how many Auto Scaling groups the schedule asks for their hooks each minute by turns, and of how many that it does not know yet besides: so
/// many calls a minute that no other caller of Auto Scaling feels them.
pub const MOST_GROUPS_ASKED: usize = 10;
