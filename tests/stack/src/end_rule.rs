//! EventBridge: hands the ends of executions to report-outcome. The engine tells of none, so they are looked for.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use account::events::{REPORT_OUTCOME, ended};
use uuid::Uuid;
use world::World;

use crate::clock::WorldClock;
use crate::executions::StateMachine;
use crate::functions::Functions;

/// The pause between two looks, in real time.
const PAUSE: Duration = Duration::from_millis(200);

/// Delivers the event of each execution that has ended, once, as long as the stack runs.
pub(crate) async fn deliver(
    world: World,
    clock: WorldClock,
    state_machine: Arc<StateMachine>,
    functions: Arc<Functions>,
) {
    // In a stack without report-outcome nobody receives the events.
    if !functions.has(REPORT_OUTCOME) {
        return;
    }
    let mut told = HashSet::new();
    loop {
        tokio::time::sleep(PAUSE).await;
        // An engine that does not answer is asked again.
        for execution in state_machine.executions(clock).await.unwrap_or_default() {
            if execution.is_running() || !told.insert(execution.arn.clone()) {
                continue;
            }
            let milliseconds = |seconds: f64| (seconds * 1000.0) as i64;
            let times = (milliseconds(execution.started_at), milliseconds(execution.ended_at.unwrap_or_default()));
            let event = ended(&execution, times, &world.time(), &Uuid::new_v4().to_string());
            let _ = functions.invoke_asynchronously(REPORT_OUTCOME, event.to_string().into());
        }
    }
}
