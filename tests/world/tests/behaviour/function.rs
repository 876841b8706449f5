//! A function that makes its calls in-process, in an invocation that the world knows.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use http::{Request, header};
use serde_json::{Value, json};
use tower::ServiceExt;
use world::{Invocation, World};

use crate::stage::{arn, revision};

pub struct Function<'a> {
    world: &'a World,
    name: &'a str,
    invocation: Invocation,
}

impl<'a> Function<'a> {
    /// One that an execution invokes, on its `state_entry`th entry of a Task state.
    pub fn of(execution: &str, name: &'a str, request_id: &str, state_entry: u64, world: &'a World) -> Self {
        let invocation = Invocation {
            request_id: request_id.to_owned(),
            execution: Some(execution.to_owned()),
            state_entry: Some(state_entry),
            sent_before: 0,
            sent_at: None,
        };
        Function { world, name, invocation }
    }

    /// The same, whose requests from now on have been sent at this time of the world.
    pub fn which_sent_at(mut self, seconds: f64) -> Self {
        self.invocation.sent_at = Some(Duration::from_secs_f64(seconds));
        self
    }

    /// The status and the body of the answer.
    async fn call(&self, service: &str, target: &str, body: String) -> (u16, String) {
        let credential = format!("{}/20260131/us-east-1/{service}/aws4_request", self.name);
        let request = Request::post("/")
            .header(header::AUTHORIZATION, format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host"))
            .header("x-amz-target", target)
            .extension(self.invocation.clone())
            .body(Body::from(body))
            .unwrap();
        let answer = self.world.router().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    pub async fn codedeploy(&self, operation: &str, input: Value) -> (u16, Value) {
        let (status, body) =
            self.call("codedeploy", &format!("CodeDeploy_20141006.{operation}"), input.to_string()).await;
        (status, serde_json::from_str(&body).unwrap())
    }

    /// Moves the gates of instances.
    pub async fn gate(&self, instances: &[&str], value: &str) {
        let arns: Vec<String> = instances.iter().map(|instance| arn(instance)).collect();
        let input = json!({"ResourceARNList": arns, "Tags": {"turnstile": value}});
        let target = "ResourceGroupsTaggingAPI_20170126.TagResources";
        assert_eq!(self.call("tagging", target, input.to_string()).await.0, 200);
    }

    /// The status of the answer. The parameters name the instance and the hook `launch`, besides `more`.
    pub async fn autoscaling(&self, action: &str, instance: &str, more: &str) -> u16 {
        let body = format!(
            "Action={action}&Version=2011-01-01&AutoScalingGroupName=web&LifecycleHookName=launch&InstanceId={instance}{more}"
        );
        self.call("autoscaling", "", body).await.0
    }

    /// A deployment of `key` to the outdated instances of the application: its id.
    pub async fn deploy(&self, application: &str, key: &str, description: &str) -> String {
        let input = json!({
            "applicationName": application, "deploymentGroupName": "Staging", "revision": revision(key),
            "updateOutdatedInstancesOnly": true, "description": description,
        });
        let (status, answer) = self.codedeploy("CreateDeployment", input).await;
        assert_eq!(status, 200, "{answer}");
        answer["deploymentId"].as_str().unwrap().to_owned()
    }

    pub async fn stop(&self, deployment: &str) -> u16 {
        self.codedeploy("StopDeployment", json!({"deploymentId": deployment})).await.0
    }

    pub async fn heartbeat(&self, instance: &str) -> u16 {
        self.autoscaling("RecordLifecycleActionHeartbeat", instance, "").await
    }

    pub async fn complete(&self, instance: &str, result: &str) -> u16 {
        self.autoscaling("CompleteLifecycleAction", instance, &format!("&LifecycleActionResult={result}")).await
    }
}
