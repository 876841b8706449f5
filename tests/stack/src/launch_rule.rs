//! EventBridge: hands the launch hook's events to start-rollout.

use std::sync::Arc;
use std::time::Duration;

use account::Served;
use account::events::{START_ROLLOUT, is_launch};
use axum::body::Bytes;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use world::Delivery;

use crate::functions::Functions;

/// The rule that hands the launch hook's events to start-rollout.
pub(crate) struct LaunchRule {
    pub(crate) functions: Arc<Functions>,
    pub(crate) lifecycle_hook_name: String,
    pub(crate) served: Served,
    pub(crate) delivery: Delivery,
    pub(crate) seed: u64,
    /// World seconds a real second.
    pub(crate) speed: f64,
}

impl LaunchRule {
    /// Delivers the hook's events among `all`, as long as there are any.
    pub(crate) async fn deliver(self, mut all: UnboundedReceiver<Value>) {
        let mut random = fastrand::Rng::with_seed(self.seed);
        let mut index = 0;
        // Dropped with this future: nothing is delivered after the stack's end.
        let mut on_their_way = JoinSet::new();
        loop {
            let event = tokio::select! {
                event = all.recv() => event,
                Some(_) = on_their_way.join_next() => continue,
            };
            let Some(event) = event else { return };
            if !is_launch(&event, &self.lifecycle_hook_name, &self.served) {
                continue;
            }
            let payload = Bytes::from(event.to_string());
            for delay in self.delivery.delays(index, &mut random) {
                let (functions, payload) = (self.functions.clone(), payload.clone());
                let delay = Duration::from_secs_f64(delay / self.speed);
                on_their_way.spawn(async move {
                    tokio::time::sleep(delay).await;
                    // In a stack without start-rollout nobody receives the event.
                    let _ = functions.invoke_asynchronously(START_ROLLOUT, payload);
                });
            }
            index += 1;
        }
    }
}
