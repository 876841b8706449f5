use std::path::PathBuf;

use crate::machine::DefinitionError;

/// Why a simulation did not start, or refused something.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field of the options, of the world's setting for instance, is wrong.
    #[error(transparent)]
    Setting(#[from] world::SettingError),
    /// The definition cannot be read.
    #[error("{}: {source}", .path.display())]
    File {
        /// Its file.
        path: PathBuf,
        /// What went wrong with it.
        source: std::io::Error,
    },
    /// The definition is not one that the interpreter carries out as the service does.
    #[error("{}: {source}", .path.display())]
    Definition {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        source: DefinitionError,
    },
    /// A service refused a call.
    #[error("{operation}: {code}: {message}")]
    Service {
        /// The API operation.
        operation: &'static str,
        /// The service's error code.
        code: String,
        /// The service's message.
        message: String,
    },
}
