use std::path::PathBuf;

/// Why the stack did not start, or could not answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A function has not been built.
    #[error("{} does not exist: run `make build`", .0.display())]
    MissingBootstrap(PathBuf),
    /// The engine's Python environment has not been made.
    #[error("{} does not exist: run `make .venv`", .0.display())]
    MissingPython(PathBuf),
    /// The engine ended before it accepted connections.
    #[error("the engine did not start, see {}", .log.display())]
    EngineDidNotStart {
        /// The file with what the engine wrote.
        log: PathBuf,
    },
    /// The engine runs and accepts no connections.
    #[error("the engine did not start within {seconds} seconds, see {}", .log.display())]
    EngineHangs {
        /// How long the stack has waited.
        seconds: u64,
        /// The file with what the engine wrote.
        log: PathBuf,
    },
    /// The definition contains a `${…}` for which there is no substitution.
    #[error("{}: nothing is known to put in place of {placeholder}", .definition.display())]
    UnresolvedSubstitution {
        /// The definition's file.
        definition: PathBuf,
        /// The placeholder.
        placeholder: String,
    },
    /// A file or folder that the stack needs.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// A field of the options, of the world's setting for instance, is wrong.
    #[error(transparent)]
    Setting(#[from] world::SettingError),
    /// The stack has no function of this name.
    #[error("there is no function {0}")]
    UnknownFunction(String),
    /// The function has as many invocations at work as its concurrency allows.
    #[error("{0}: Rate Exceeded.")]
    TooManyRequests(String),
    /// The stack has stopped.
    #[error("the stack has stopped")]
    Stopped,
    /// A call was answered with an error of the service.
    #[error("{operation}: {code}: {message}")]
    Service {
        /// The API operation.
        operation: &'static str,
        /// The service's error code.
        code: String,
        /// The service's message.
        message: String,
    },
    /// The answer to a call is not what its API describes.
    #[error("{operation}: unreadable answer: {reason}")]
    UnreadableAnswer {
        /// The API operation.
        operation: &'static str,
        /// What is wrong with the answer.
        reason: String,
    },
    /// A call got no answer.
    #[error(transparent)]
    Connection(#[from] reqwest::Error),
    /// A socket or a process.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Error {
    pub(crate) fn unreadable(operation: &'static str, error: &serde_json::Error) -> Self {
        Self::UnreadableAnswer { operation, reason: error.to_string() }
    }
}
