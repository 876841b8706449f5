//! A function's versions and its environments.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use aws::settings::Settings;

use super::{Code, NotInvoked};
use crate::lambda::environment::Environment;

/// One function.
pub(super) struct Pool {
    pub(super) name: String,
    pub(super) settings: Settings,
    concurrency: usize,
    versions: RefCell<Vec<Code>>,
    at_work: Cell<usize>,
    started: Cell<usize>,
    /// The environments that have nothing to do, the last used last, and since when.
    idle: RefCell<Vec<(Duration, Rc<Environment>)>>,
}

/// The place that an invocation takes among those at work.
pub(super) struct Place(Rc<Pool>);

impl Pool {
    pub(super) fn new(name: String, settings: Settings, concurrency: usize) -> Self {
        let (versions, at_work, started, idle) = Default::default();
        Self { name, settings, concurrency, versions, at_work, started, idle }
    }

    pub(super) fn publish(&self, code: Code) -> usize {
        let mut versions = self.versions.borrow_mut();
        versions.push(code);
        versions.len()
    }

    /// The version that a qualifier names, and its code.
    pub(super) fn version(&self, qualifier: &str) -> Option<(usize, Code)> {
        let versions = self.versions.borrow();
        let version = if qualifier == "$LATEST" { versions.len() } else { qualifier.parse().ok()? };
        Some((version, versions.get(version.checked_sub(1)?)?.clone()))
    }

    /// A place for one more invocation.
    ///
    /// # Errors
    /// When as many as may be are at work.
    pub(super) fn enter(self: &Rc<Self>) -> Result<Place, NotInvoked> {
        if self.at_work.get() >= self.concurrency {
            return Err(NotInvoked::refused(429, "TooManyRequestsException", "Rate Exceeded."));
        }
        self.at_work.set(self.at_work.get() + 1);
        Ok(Place(self.clone()))
    }

    /// An environment of the version that has been at work after `since` and has nothing to do.
    pub(super) fn take_idle(&self, version: usize, since: Duration) -> Option<Rc<Environment>> {
        let mut idle = self.idle.borrow_mut();
        idle.retain(|(at, _)| *at >= since);
        let last = idle.iter().rposition(|(_, environment)| environment.version == version)?;
        Some(idle.remove(last).1)
    }

    pub(super) fn give_back(&self, now: Duration, environment: Rc<Environment>) {
        self.idle.borrow_mut().push((now, environment));
    }

    /// The name of a new environment.
    pub(super) fn next_environment(&self) -> String {
        self.started.set(self.started.get() + 1);
        format!("{}#{}", self.name, self.started.get())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.at_work.set(self.0.at_work.get() - 1);
    }
}
