//! A served world on a manual clock, with clients that point at it.

use aws_sdk_autoscaling::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_codedeploy::types::{DeploymentInfo, InstanceTarget};
use serde_json::{Value, json};
use world::{Clock, DeploymentReport, InstanceReport, Server, World, serve};

pub struct Stage {
    pub world: World,
    pub codedeploy: aws_sdk_codedeploy::Client,
    pub autoscaling: aws_sdk_autoscaling::Client,
    pub tagging: aws_sdk_resourcegroupstagging::Client,
    _server: Server,
}

/// What a service refused a call with.
#[derive(Debug, PartialEq)]
pub struct Refused {
    pub code: String,
    pub message: String,
}

pub fn refused<T: std::fmt::Debug, E: ProvideErrorMetadata, R>(result: Result<T, SdkError<E, R>>) -> Refused {
    let error = result.expect_err("the call should be refused");
    let text = |text: Option<&str>| text.unwrap_or("(none)").to_owned();
    Refused { code: text(error.code()), message: text(error.message()) }
}

pub fn revision(key: &str) -> Value {
    json!({"revisionType": "S3", "s3Location": {"bucket": "bundles", "key": key, "bundleType": "zip"}})
}

/// One application selected by tag: seven lifecycle events of 10 s, so 60 s on a fresh instance and 70 s on another.
pub fn application(name: &str) -> Value {
    let events = ["ApplicationStop", "DownloadBundle", "BeforeInstall", "Install", "AfterInstall", "ApplicationStart"];
    let mut seconds = json!({"ValidateService": 10});
    for event in events {
        seconds[event] = json!(10);
    }
    json!({
        "applicationName": name, "deploymentGroupName": "Staging", "selection": {"tags": {"role": "web"}},
        "revision": revision(name), "previousDeploymentSeconds": 60, "lifecycleEventSeconds": seconds,
        "outdatedInstancesStrategy": "IGNORE",
    })
}

/// A group `web` whose instances boot in 10 s and whose agents answer 5 s later, with a hook `launch` and applications A and B.
pub fn setting() -> Value {
    json!({
        "autoScalingGroups": [{
            "name": "web", "hooks": [{"name": "launch", "heartbeatTimeout": 3600}], "bootSeconds": 10, "agentSeconds": 5,
            "tags": {"role": "web"},
        }],
        "applications": [application("A"), application("B")],
    })
}

/// The setting with applications whose groups are gated, and which launched instances get in this order: A, then B.
pub fn gated() -> Value {
    let mut setting = setting();
    for application in setting["applications"].as_array_mut().expect("a list") {
        let own = format!("{}/Staging", application["applicationName"].as_str().expect("a name"));
        let filter = |key: &str, value: &str| json!({"Key": key, "Value": value, "Type": "KEY_AND_VALUE"});
        let gate = json!([filter("turnstile", &own), filter("turnstile", "open")]);
        application["selection"] = json!({"ec2TagSet": [[filter("role", "web")], gate]});
    }
    let group = &mut setting["autoScalingGroups"][0];
    group["applicationOrder"] = json!(["A/Staging", "B/Staging"]);
    group["requiredApplications"] = json!(["A/Staging", "B/Staging"]);
    group["tagsAtStart"] = json!({"turnstile": "open"});
    setting
}

/// The ARN of an instance.
pub fn arn(instance: &str) -> String {
    format!("arn:aws:ec2:us-east-1:123456789012:instance/{instance}")
}

/// The setting with `value` at a JSON pointer.
pub fn with(mut setting: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer has a slash");
    setting.pointer_mut(parent).expect("the parent exists")[key] = value;
    setting
}

impl Stage {
    pub async fn new(setting: Value) -> Self {
        Self::on(setting, Clock::Manual).await
    }

    pub async fn on(setting: Value, clock: Clock) -> Self {
        let setting = serde_json::from_value(setting).expect("a setting");
        let world = World::new(setting, clock).expect("a good setting");
        let server = serve(&world).await.expect("a free port");
        let credentials = || aws_sdk_codedeploy::config::Credentials::new("id", "secret", None, None, "test");
        let codedeploy = aws_sdk_codedeploy::Config::builder()
            .behavior_version(aws_sdk_codedeploy::config::BehaviorVersion::latest())
            .region(aws_sdk_codedeploy::config::Region::new("us-east-1"))
            .retry_config(aws_sdk_codedeploy::config::retry::RetryConfig::disabled())
            .credentials_provider(credentials())
            .endpoint_url(&server.endpoint);
        let autoscaling = aws_sdk_autoscaling::Config::builder()
            .behavior_version(aws_sdk_autoscaling::config::BehaviorVersion::latest())
            .region(aws_sdk_autoscaling::config::Region::new("us-east-1"))
            .retry_config(aws_sdk_autoscaling::config::retry::RetryConfig::disabled())
            .credentials_provider(credentials())
            .endpoint_url(&server.endpoint);
        let tagging = aws_sdk_resourcegroupstagging::Config::builder()
            .behavior_version(aws_sdk_resourcegroupstagging::config::BehaviorVersion::latest())
            .region(aws_sdk_resourcegroupstagging::config::Region::new("us-east-1"))
            .retry_config(aws_sdk_resourcegroupstagging::config::retry::RetryConfig::disabled())
            .credentials_provider(credentials())
            .endpoint_url(&server.endpoint);
        Stage {
            world,
            codedeploy: aws_sdk_codedeploy::Client::from_conf(codedeploy.build()),
            autoscaling: aws_sdk_autoscaling::Client::from_conf(autoscaling.build()),
            tagging: aws_sdk_resourcegroupstagging::Client::from_conf(tagging.build()),
            _server: server,
        }
    }

    /// Moves the gate of an instance.
    pub async fn gate(&self, instance: &str, value: &str) {
        let call = self.tagging.tag_resources().resource_arn_list(arn(instance)).tags("turnstile", value);
        let failed = call.send().await.expect("an answer").failed_resources_map.unwrap_or_default();
        assert!(failed.is_empty(), "{failed:?}");
    }

    /// An instance in Pending:Wait whose agent answers.
    pub fn launch_and_boot(&self) -> String {
        let instance = self.world.launch("web").expect("the group exists");
        self.world.advance(15.0);
        instance
    }

    pub async fn complete(&self, instance: &str, result: &str) -> Result<(), Refused> {
        let call = self
            .autoscaling
            .complete_lifecycle_action()
            .auto_scaling_group_name("web")
            .lifecycle_hook_name("launch")
            .instance_id(instance)
            .lifecycle_action_result(result);
        match call.send().await {
            Ok(_) => Ok(()),
            failed => Err(refused(failed)),
        }
    }

    /// A deployment of the application's revision in its group `Staging`, to outdated instances only.
    pub async fn update(&self, application: &str) -> String {
        let call = self.codedeploy.create_deployment().application_name(application).deployment_group_name("Staging");
        let created = call.update_outdated_instances_only(true).send().await.expect("a deployment");
        created.deployment_id.expect("its id")
    }

    pub async fn deployment(&self, id: &str) -> DeploymentInfo {
        let answer = self.codedeploy.get_deployment().deployment_id(id).send().await.expect("the deployment");
        answer.deployment_info.expect("its information")
    }

    pub async fn status(&self, id: &str) -> String {
        self.deployment(id).await.status.expect("a status").as_str().to_owned()
    }

    /// So many targets are Pending, InProgress, Succeeded, Failed, Skipped and Ready.
    pub async fn overview(&self, id: &str) -> [i64; 6] {
        let deployment = self.deployment(id).await;
        let overview = deployment.deployment_overview().expect("the deployment has started");
        [
            overview.pending(),
            overview.in_progress(),
            overview.succeeded(),
            overview.failed(),
            overview.skipped(),
            overview.ready(),
        ]
    }

    pub async fn error_code(&self, id: &str) -> Option<String> {
        let information = self.deployment(id).await.error_information?;
        information.code.map(|code| code.as_str().to_owned())
    }

    pub async fn target(&self, deployment: &str, instance: &str) -> InstanceTarget {
        let call = self.codedeploy.get_deployment_target().deployment_id(deployment).target_id(instance);
        let answer = call.send().await.expect("the target");
        answer.deployment_target.and_then(|target| target.instance_target).expect("an instance target")
    }

    pub async fn target_status(&self, deployment: &str, instance: &str) -> String {
        self.target(deployment, instance).await.status.expect("a status").as_str().to_owned()
    }

    /// Each lifecycle event's status, in order.
    pub async fn event_statuses(&self, deployment: &str, instance: &str) -> Vec<String> {
        let target = self.target(deployment, instance).await;
        target.lifecycle_events().iter().map(|event| event.status().expect("a status").as_str().to_owned()).collect()
    }

    pub fn instance(&self, id: &str) -> InstanceReport {
        let mut instances = self.world.report().instances.into_iter();
        instances.find(|instance| instance.instance_id == id).expect("the instance is in the report")
    }

    pub fn state(&self, id: &str) -> &'static str {
        self.instance(id).lifecycle_state
    }

    pub fn reported(&self, deployment: &str) -> DeploymentReport {
        let mut deployments = self.world.report().deployments.into_iter();
        deployments.find(|reported| reported.deployment_id == deployment).expect("the deployment is in the report")
    }
}
