//! The handle to a running world.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use crate::clock::{Clock, Timepiece};
use crate::launch::Launch;
use crate::refusal::Refusal;
use crate::report::{Call, Report};
use crate::setting::{HookResult, HookSetting, Revision, Setting, SettingError};
use crate::simulation::Simulation;

/// A running world. Clones are handles to the same one.
#[derive(Clone)]
pub struct World {
    inner: Arc<Inner>,
}

struct Inner {
    running: Mutex<(Simulation, Timepiece)>,
    changed: Notify,
}

impl World {
    /// Starts a world; its time 0 is the present of the wall clock, or [`Clock::VIRTUAL_EPOCH`].
    ///
    /// # Errors
    /// Names the field of the setting that is wrong, or `clock` for one slower than real time.
    pub fn new(setting: Setting, clock: Clock) -> Result<Self, SettingError> {
        setting.check()?;
        if let Clock::Scaled(speed) = clock
            && !(speed.is_finite() && speed >= 1.0)
        {
            return Err(SettingError { field: "clock".to_owned(), problem: "must be at least 1".to_owned() });
        }
        let timepiece = Timepiece::start(clock);
        let running = Mutex::new((Simulation::new(setting, timepiece.epoch), timepiece));
        Ok(World { inner: Arc::new(Inner { running, changed: Notify::new() }) })
    }

    /// World seconds since the start.
    pub fn now(&self) -> f64 {
        self.enter(|simulation| simulation.now())
    }

    /// The present as events give it, such as `2026-01-31T12:34:56Z`.
    pub fn time(&self) -> String {
        self.enter(|simulation| simulation.whole_second(simulation.now()))
    }

    /// The world's time at which something happens next by itself, unless a call or a launch comes first; `None` if nothing will.
    pub fn next_happening_at(&self) -> Option<f64> {
        self.enter(|simulation| simulation.next_due())
    }

    /// Moves time ahead by so many world seconds; all that is due happens, in order.
    pub fn advance(&self, seconds: f64) {
        self.lock().1.jump(seconds);
        self.enter(|_| ());
    }

    /// Raises an Auto Scaling group's desired capacity by one, and returns the id of the instance it launches: one that is ready in the
    /// warm pool, else a new one.
    ///
    /// # Errors
    /// The service's, such as for a group that does not exist.
    pub fn launch(&self, auto_scaling_group: &str) -> Result<String, Refusal> {
        self.launch_with(auto_scaling_group, &Launch::default())
    }

    /// The same with delays of its own.
    ///
    /// # Errors
    /// See [`World::launch`]; for a delay that is none.
    pub fn launch_with(&self, auto_scaling_group: &str, launch: &Launch) -> Result<String, Refusal> {
        self.enter(|simulation| simulation.launch_one_more(auto_scaling_group, launch))
    }

    /// Makes an Auto Scaling group's warm pool bigger, or makes one, by launching `count` instances into it; their ids.
    ///
    /// # Errors
    /// The service's, for a group that does not exist or cannot become so big.
    pub fn warm(&self, auto_scaling_group: &str, count: usize) -> Result<Vec<String>, Refusal> {
        self.enter(|simulation| simulation.warm(auto_scaling_group, count))
    }

    /// Scales a group in by this instance: it goes back into the warm pool. Its group's setting has to say that it is reused.
    ///
    /// # Errors
    /// When the instance is not in service, or its group has no such pool.
    pub fn return_to_pool(&self, instance_id: &str) -> Result<(), Refusal> {
        self.enter(|simulation| simulation.return_to_pool(instance_id))
    }

    /// Launches `count` instances, evenly spread over so many world seconds: the first now, the last at `seconds`. Each raises the
    /// group's desired capacity by one at its moment; they are new ones, also where there is a warm pool. Returns their ids in the order of their launch; an instance whose moment
    /// has not come is known by nothing but that: it is in no report, and nothing can be done to it.
    ///
    /// # Errors
    /// The service's, for a group that does not exist or cannot become so big, before anything is launched.
    pub fn launch_over(&self, auto_scaling_group: &str, count: usize, seconds: f64) -> Result<Vec<String>, Refusal> {
        self.enter(|simulation| simulation.launch_over(auto_scaling_group, count, seconds))
    }

    /// Makes an instance's CodeDeploy agent take no command from now on, for good. The lifecycle event under way ends as it would
    /// have; what should follow it on the instance fails five minutes later. A target that comes to the instance, or waits for its
    /// agent already, is `Pending` until the service gives it up after an hour.
    ///
    /// # Errors
    /// When there is no such instance, not yet or no more.
    pub fn silence_agent(&self, instance_id: &str) -> Result<(), Refusal> {
        self.enter(|simulation| simulation.silence_agent(instance_id))
    }

    /// Terminates an instance, as a person at the EC2 console does: its group launches another.
    ///
    /// # Errors
    /// When there is no such instance, or no more.
    pub fn terminate(&self, instance_id: &str) -> Result<(), Refusal> {
        self.enter(|simulation| simulation.terminate_in_group(instance_id, false))
    }

    /// Takes an instance in service out of its group, as a person does: the group launches another, and the instance runs on with its tags.
    ///
    /// # Errors
    /// When the instance is not in service.
    pub fn detach(&self, instance_id: &str) -> Result<(), Refusal> {
        self.enter(|simulation| simulation.detach(instance_id))
    }

    /// Replaces the root volume of an instance in service, as an instance refresh does: it keeps its id and its tags, and its disk is empty.
    ///
    /// # Errors
    /// When the instance is not in service.
    pub fn replace_root_volume(&self, instance_id: &str) -> Result<(), Refusal> {
        self.enter(|simulation| simulation.replace_root_volume(instance_id))
    }

    /// Makes an Auto Scaling group whose setting says that it is made later, with its hooks. It launches its desired capacity.
    ///
    /// # Errors
    /// When there is no such setting, or the group was made before.
    pub fn make_group(&self, name: &str) -> Result<(), Refusal> {
        self.enter(|simulation| simulation.make_group(name))
    }

    /// Deletes an Auto Scaling group and terminates its instances.
    ///
    /// # Errors
    /// The service's, for a group that does not exist.
    pub fn delete_group(&self, name: &str) -> Result<(), Refusal> {
        self.enter(|simulation| simulation.delete_group(name))
    }

    /// Puts a launch hook on an Auto Scaling group, or replaces the one of its name. Instances that wait already do not wait at it.
    ///
    /// # Errors
    /// The service's, for a group that does not exist.
    pub fn put_hook(&self, auto_scaling_group: &str, hook: &HookSetting) -> Result<(), Refusal> {
        self.enter(|simulation| simulation.put_hook_by_hand(auto_scaling_group, hook))
    }

    /// Deletes a launch hook of an Auto Scaling group. The launches that wait at it are abandoned.
    ///
    /// # Errors
    /// The service's, for a group or a hook that does not exist.
    pub fn delete_hook(&self, auto_scaling_group: &str, hook: &str) -> Result<(), Refusal> {
        self.enter(|simulation| simulation.delete_hook_by_hand(auto_scaling_group, hook))
    }

    /// Completes a hook as a person does at the command line, who lets an instance in by choice: it may lack applications.
    ///
    /// # Errors
    /// The service's, when the instance does not wait at the hook.
    pub fn complete_hook(&self, instance_id: &str, hook: &str, result: HookResult) -> Result<(), Refusal> {
        self.enter(|simulation| simulation.complete_by_hand(instance_id, hook, result))
    }

    /// Writes a tag of an EC2 instance, or deletes it, as a person does at the console.
    ///
    /// # Errors
    /// When there is no such instance, or no more; EC2's for a tag that cannot be.
    pub fn set_tag(&self, instance_id: &str, key: &str, value: Option<&str>) -> Result<(), Refusal> {
        self.enter(|simulation| simulation.tag_by_hand(instance_id, key, value))
    }

    /// Sets a CloudWatch alarm on or off. While it is on, deployments of the groups that name it end `Stopped`, `ALARM_ACTIVE`.
    ///
    /// # Errors
    /// When no deployment group names such an alarm.
    pub fn set_alarm(&self, name: &str, is_on: bool) -> Result<(), Refusal> {
        self.enter(|simulation| simulation.set_alarm(name, is_on))
    }

    /// Deletes an application with its deployment groups, as a person does.
    ///
    /// # Errors
    /// When there is no such application, or no more.
    pub fn delete_application(&self, name: &str) -> Result<(), Refusal> {
        self.enter(|simulation| simulation.delete_application(name))
    }

    /// From now on the callers' permissions do not cover an application, as when a person narrows them.
    ///
    /// # Errors
    /// When there is no such application.
    pub fn forbid_application(&self, name: &str) -> Result<(), Refusal> {
        self.enter(|simulation| simulation.forbid_application(name))
    }

    /// Starts a deployment as a person does at the console, and returns its id. Without a `revision` it is the deployment
    /// group's own.
    ///
    /// # Errors
    /// Those of `CreateDeployment`.
    pub fn deploy(
        &self,
        application_name: &str,
        deployment_group_name: &str,
        revision: Option<Revision>,
    ) -> Result<String, Refusal> {
        self.enter(|simulation| simulation.deploy_by_hand(application_name, deployment_group_name, revision))
    }

    /// Starts a deployment of mode `RESTART` as a person does at the console, and returns its id: it restarts what is installed, and brings no
    /// revision.
    ///
    /// # Errors
    /// Those of `CreateDeployment`.
    pub fn restart(&self, application_name: &str, deployment_group_name: &str) -> Result<String, Refusal> {
        self.enter(|simulation| simulation.restart_by_hand(application_name, deployment_group_name))
    }

    /// Stops a deployment as a person does at the console.
    ///
    /// # Errors
    /// Those of `StopDeployment`.
    pub fn stop_deployment(&self, deployment_id: &str) -> Result<(), Refusal> {
        self.enter(|simulation| simulation.stop_by_hand(deployment_id))
    }

    /// Starts a pipeline that deploys these builds one after the other: the first now, each `every_seconds` after the one before, or as soon as
    /// the group is free from then on.
    ///
    /// # Errors
    /// When there is no such deployment group, or for a time that is none.
    pub fn start_pipeline(
        &self,
        application_name: &str,
        deployment_group_name: &str,
        revisions: Vec<Revision>,
        every_seconds: f64,
    ) -> Result<(), Refusal> {
        self.enter(|simulation| {
            simulation.start_pipeline(application_name, deployment_group_name, revisions, every_seconds)
        })
    }

    /// The EventBridge events from now on, each complete and at the time it occurs, once.
    pub fn events(&self) -> mpsc::UnboundedReceiver<serde_json::Value> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.enter(|simulation| simulation.subscribe(sender));
        receiver
    }

    /// Records a call that another service has answered, beside the world's own and after those that have been answered: the rules go by the
    /// order of all calls. Its time is the present.
    pub fn record(&self, call: Call) {
        self.enter(|simulation| simulation.add_call(call));
    }

    /// What happened so far.
    pub fn report(&self) -> Report {
        self.enter(|simulation| simulation.report())
    }

    /// What happened so far, its `calls` left out: they are most of a report, and who looks often does not need them.
    pub fn report_without_calls(&self) -> Report {
        self.enter(|simulation| simulation.report_without_calls())
    }

    /// What happened, when nothing more should: a hook that is still open now is a violation.
    pub fn report_at_end(&self) -> Report {
        self.enter(|simulation| simulation.report_at_end())
    }

    /// Lets time pass on its own, so that things happen, and events go out, without a call. For a clock that moves by itself; must be
    /// called inside a Tokio runtime.
    pub fn run(&self) -> Running {
        let world = self.clone();
        let task = tokio::spawn(async move {
            loop {
                let pause = world.until_next().unwrap_or(Duration::MAX);
                tokio::select! {
                    // What is ready first is taken in this order, so that a run can be repeated.
                    biased;
                    () = tokio::time::sleep(pause) => {
                        let (simulation, timepiece) = &mut *world.lock();
                        simulation.advance_to(timepiece.now());
                    }
                    () = world.inner.changed.notified() => {}
                }
            }
        });
        Running { task }
    }

    /// Brings the simulation to the present and works on it.
    pub(crate) fn enter<T>(&self, work: impl FnOnce(&mut Simulation) -> T) -> T {
        let done = {
            let (simulation, timepiece) = &mut *self.lock();
            simulation.advance_to(timepiece.now());
            work(simulation)
        };
        self.inner.changed.notify_one();
        done
    }

    fn until_next(&self) -> Option<Duration> {
        let (simulation, timepiece) = &*self.lock();
        timepiece.until(simulation.next_due()?)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (Simulation, Timepiece)> {
        self.inner.running.lock().expect("no panic inside the simulation")
    }
}

/// Keeps a world's time running; dropped, it stops.
#[must_use = "time stops when this is dropped"]
pub struct Running {
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_slower_than_real_time_is_refused() {
        for speed in [0.0, 0.5, f64::NAN, f64::INFINITY] {
            let error = World::new(Setting::default(), Clock::Scaled(speed)).err().expect("a bad clock");
            assert_eq!(error.to_string(), "clock: must be at least 1");
        }
        assert!(World::new(Setting::default(), Clock::Scaled(1.0)).is_ok());
    }

    #[test]
    fn a_bad_setting_is_refused_by_its_field() {
        let setting = serde_json::from_str(r#"{"autoScalingGroups": [{"name": "web", "bootSeconds": -1}]}"#).unwrap();
        let error = World::new(setting, Clock::Manual).err().expect("a bad setting");
        assert_eq!(error.to_string(), "autoScalingGroups[0].bootSeconds: must be 0 or more");
    }

    #[test]
    fn unknown_names_are_refused() {
        let world = World::new(Setting::default(), Clock::Manual).unwrap();
        assert_eq!(world.launch("none").unwrap_err().code, "ValidationError");
        assert_eq!(world.launch_over("none", 1, 0.0).unwrap_err().code, "ValidationError");
        assert_eq!(world.silence_agent("i-none").unwrap_err().code, "ValidationError");
        assert_eq!(world.terminate("i-none").unwrap_err().code, "ValidationError");
        assert_eq!(world.deploy("A", "B", None).unwrap_err().code, "ApplicationDoesNotExistException");
    }
}
