//! Lifecycle events: their status and how they end.

use crate::report::DiagnosticsReport;
use crate::setting::Failure;

/// The status of a target or of a lifecycle event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Pending,
    InProgress,
    Succeeded,
    Failed,
    Skipped,
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Status::Pending => "Pending",
            Status::InProgress => "InProgress",
            Status::Succeeded => "Succeeded",
            Status::Failed => "Failed",
            Status::Skipped => "Skipped",
        }
    }

    pub(super) fn is_over(self) -> bool {
        matches!(self, Status::Succeeded | Status::Failed | Status::Skipped)
    }
}

#[derive(Debug)]
pub(super) struct LifecycleEvent {
    pub(super) name: &'static str,
    pub(super) status: Status,
    pub(super) started_at: Option<f64>,
    pub(super) ended_at: Option<f64>,
    pub(super) diagnostics: Option<Diagnostics>,
}

impl LifecycleEvent {
    pub(super) fn new(name: &'static str) -> Self {
        LifecycleEvent { name, status: Status::Pending, started_at: None, ended_at: None, diagnostics: None }
    }

    pub(super) fn end(&mut self, now: f64, diagnostics: Diagnostics) {
        self.status = if diagnostics.error_code == "Success" { Status::Succeeded } else { Status::Failed };
        self.ended_at = Some(now);
        self.diagnostics = Some(diagnostics);
    }
}

/// How a lifecycle event ended.
#[derive(Debug, Clone)]
pub(super) struct Diagnostics {
    pub(super) error_code: String,
    pub(super) script_name: String,
    pub(super) message: String,
    pub(super) log_tail: String,
}

impl Diagnostics {
    pub(super) fn success() -> Self {
        Diagnostics {
            error_code: "Success".to_owned(),
            script_name: String::new(),
            message: "Succeeded".to_owned(),
            log_tail: String::new(),
        }
    }

    /// The service, not the agent, gives up.
    pub(super) fn unknown_error(message: &str) -> Self {
        Diagnostics {
            error_code: "UnknownError".to_owned(),
            script_name: String::new(),
            message: message.to_owned(),
            log_tail: String::new(),
        }
    }
}

impl Diagnostics {
    pub(super) fn report(&self) -> DiagnosticsReport {
        let Diagnostics { error_code, script_name, message, log_tail } = self.clone();
        DiagnosticsReport { error_code, script_name, message, log_tail }
    }
}

impl From<&Failure> for Diagnostics {
    fn from(failure: &Failure) -> Self {
        Diagnostics {
            error_code: failure.error_code.clone(),
            script_name: failure.script_name.clone(),
            message: failure.message.clone(),
            log_tail: failure.log_tail.clone(),
        }
    }
}
