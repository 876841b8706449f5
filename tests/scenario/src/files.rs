//! The scenario files of this workspace.

use std::io;
use std::path::{Path, PathBuf};

/// The files in tests/scenarios, sorted by name.
///
/// # Errors
/// The file system's.
pub fn all() -> io::Result<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("scenarios");
    let mut files = Vec::new();
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The name of a scenario: its file's.
pub fn name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_can_be_read() {
        for path in all().expect("tests/scenarios") {
            crate::format::read(&path).unwrap_or_else(|error| panic!("{error}"));
        }
    }

    #[test]
    fn every_scenario_is_in_the_table_of_faults() {
        let table = include_str!("../../../docs/failures.md");
        let names: Vec<String> = all().expect("tests/scenarios").iter().map(|path| name(path)).collect();
        assert!(names.len() >= 40, "{} scenarios", names.len());
        for name in names {
            let row = format!("[`{name}`](../tests/scenarios/{name}.json) |");
            assert!(table.contains(&row), "docs/failures.md lacks {name}");
        }
    }
}
