//! EventBridge events, in the complete envelope that a rule's target gets.
//!
//! Shapes from the Auto Scaling user guide, "Amazon EC2 Auto Scaling event reference", and the CodeDeploy user guide,
//! "Monitoring deployments with Amazon CloudWatch Events".

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use crate::instance::Instance;
use crate::simulation::Simulation;

impl Simulation {
    pub(crate) fn subscribe(&mut self, subscriber: UnboundedSender<Value>) {
        self.subscribers.push(subscriber);
    }

    /// An instance has come to wait at a launch hook.
    pub(crate) fn tell_lifecycle_action(&mut self, action: usize) {
        let action = &self.actions[action];
        let instance = &self.instances[action.instance];
        let group = &self.scaling_groups[instance.scaling_group()];
        let mut detail = json!({
            "LifecycleActionToken": action.token,
            "AutoScalingGroupName": group.name,
            "LifecycleHookName": action.hook,
            "EC2InstanceId": instance.id,
            "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
            "Origin": action.journey.origin.as_str(),
            "Destination": action.journey.destination.as_str(),
        });
        if let Some(metadata) = &action.notification_metadata {
            detail["NotificationMetadata"] = json!(metadata);
        }
        let resources = vec![group.arn.clone()];
        self.tell("aws.autoscaling", "EC2 Instance-launch Lifecycle Action", resources, detail);
    }

    /// An instance is in service, or in the warm pool.
    pub(crate) fn tell_launch_successful(&mut self, instance: usize) {
        let (activity, request) = (self.random_uuid(), self.random_uuid());
        let instance = &self.instances[instance];
        let group = &self.scaling_groups[instance.scaling_group()];
        let detail = json!({
            "StatusCode": "InProgress",
            "Description": format!("Launching a new EC2 instance: {}", instance.id),
            "AutoScalingGroupName": group.name,
            "ActivityId": activity,
            "Details": {"Availability Zone": self.availability_zone(), "Subnet ID": "subnet-0123456789abcdef0"},
            "RequestId": request,
            "StatusMessage": "",
            "StartTime": self.iso_8601(instance.launched_at),
            "EndTime": self.iso_8601(self.now()),
            "EC2InstanceId": instance.id,
            "Cause": "An instance was started in response to a difference between desired and actual capacity, \
                      increasing the capacity.",
            "Origin": instance.journey.origin.as_str(),
            "Destination": instance.journey.destination.as_str(),
        });
        let resources = vec![group.arn.clone(), self.instance_arn(&instance.id)];
        self.tell("aws.autoscaling", "EC2 Instance Launch Successful", resources, detail);
    }

    /// A deployment has come to `state`: START, SUCCESS, FAILURE or STOP.
    pub(crate) fn tell_deployment(&mut self, deployment: usize, state: &str) {
        let (resources, mut detail) = self.deployment_detail(deployment);
        detail["state"] = json!(state);
        self.tell("aws.codedeploy", "CodeDeploy Deployment State-change Notification", resources, detail);
    }

    /// A deployment has come to `state` on an instance.
    pub(crate) fn tell_target(&mut self, deployment: usize, instance: usize, state: &str) {
        let (mut resources, mut detail) = self.deployment_detail(deployment);
        let id = &self.instances[instance].id;
        detail["state"] = json!(state);
        detail["instanceId"] = json!(id);
        resources.insert(0, self.target_arn(instance));
        self.tell("aws.codedeploy", "CodeDeploy Instance State-change Notification", resources, detail);
    }

    fn deployment_detail(&self, deployment: usize) -> (Vec<String>, Value) {
        let deployment = &self.deployments[deployment];
        let group = &self.groups[deployment.group];
        let (application_name, group_name) = (&group.setting.application_name, &group.setting.deployment_group_name);
        let prefix = format!("arn:aws:codedeploy:{}:{}", self.setting.region, self.setting.account);
        let resources = vec![
            format!("{prefix}:application:{application_name}"),
            format!("{prefix}:deploymentgroup:{application_name}/{group_name}"),
        ];
        let detail = json!({
            "region": self.setting.region,
            "deploymentId": deployment.id,
            "instanceGroupId": group.id,
            "deploymentGroup": group_name,
            "application": application_name,
        });
        (resources, detail)
    }

    fn tell(&mut self, source: &str, detail_type: &str, resources: Vec<String>, detail: Value) {
        let event = json!({
            "version": "0",
            "id": self.random_uuid(),
            "detail-type": detail_type,
            "source": source,
            "account": self.setting.account,
            "time": self.whole_second(self.now()),
            "region": self.setting.region,
            "resources": resources,
            "detail": detail,
        });
        self.subscribers.retain(|subscriber| subscriber.send(event.clone()).is_ok());
    }

    /// The ARN of an instance as a deployment's target: EC2's, or CodeDeploy's of one on premises.
    pub(crate) fn target_arn(&self, instance: usize) -> String {
        let Instance { id, group, .. } = &self.instances[instance];
        match group {
            Some(_) => self.instance_arn(id),
            None => format!("arn:aws:codedeploy:{}:{}:instance/{id}", self.setting.region, self.setting.account),
        }
    }

    pub(crate) fn instance_arn(&self, id: &str) -> String {
        format!("arn:aws:ec2:{}:{}:instance/{id}", self.setting.region, self.setting.account)
    }

    pub(crate) fn availability_zone(&self) -> String {
        format!("{}a", self.setting.region)
    }

    /// A world time as Auto Scaling writes it: `2026-01-31T12:34:56.789Z`.
    pub(crate) fn iso_8601(&self, time: f64) -> String {
        format!("{:.3}", self.timestamp(time))
    }

    /// A world time as EventBridge writes it: `2026-01-31T12:34:56Z`.
    pub(crate) fn whole_second(&self, time: f64) -> String {
        format!("{:.0}", self.timestamp(time.floor()))
    }

    fn timestamp(&self, time: f64) -> jiff::Timestamp {
        // A float this size turns into an integer without loss; jiff's range ends in the year 9999.
        jiff::Timestamp::from_millisecond((self.on_the_wire(time) * 1000.0).round() as i64).unwrap_or_default()
    }
}
