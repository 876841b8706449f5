//! A copy of the workspace with every fault in it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;
use crate::fault::Fault;

/// What the simulation is built from and reads.
const PARTS: [&str; 7] =
    ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "template.yaml", "functions", "statemachine", "tests"];
/// What is installed beside the sources and not needed.
const LEFT_OUT: [&str; 2] = ["node_modules", "target"];

/// The crate that every function depends on, and what the faults' switches need there.
const SWITCH_FILE: &str = "functions/turnstile/src/lib.rs";
const SWITCH: &str = "
/// Whether this fault is planted.
pub fn planted(name: &str) -> bool {
    std::env::var(\"PLANTED_FAULT\").is_ok_and(|planted| planted == name)
}
";

/// The copy, built.
pub struct Copy {
    /// The folder with the copy, the build and the report.
    pub folder: PathBuf,
    /// The program that runs chaos.
    pub program: PathBuf,
}

impl Copy {
    /// Copies the workspace below `folder`, with the faults, and builds what runs chaos.
    pub fn with(faults: &[Fault], workspace: &Path, folder: &Path) -> Result<Self, Error> {
        let source = folder.join("source");
        let mut edited: BTreeMap<PathBuf, String> = BTreeMap::new();
        for edit in faults.iter().flat_map(|fault| &fault.edits).filter(|edit| !edit.is_in_definition()) {
            let text = match edited.remove(Path::new(&edit.file)) {
                Some(text) => text,
                None => fs::read_to_string(workspace.join(&edit.file))?,
            };
            edited.insert(PathBuf::from(&edit.file), edit.apply(&text)?);
        }
        let switch = match edited.remove(Path::new(SWITCH_FILE)) {
            Some(text) => text,
            None => fs::read_to_string(workspace.join(SWITCH_FILE))?,
        };
        edited.insert(PathBuf::from(SWITCH_FILE), switch + SWITCH);
        fs::create_dir_all(&source)?;
        for part in PARTS {
            copy(&workspace.join(part), &source.join(part), &|path| {
                path.strip_prefix(workspace).ok().and_then(|path| edited.get(path)).cloned()
            })?;
        }
        // A folder of its own: in the workspace's, cargo would take the one's crates for the other's.
        let target = folder.join("build");
        let built = Command::new(env!("CARGO"))
            .args(["build", "--locked", "--package", "scenario", "--manifest-path"])
            .arg(source.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(&target)
            .status()?;
        if !built.success() {
            return Err("the copy with the planted faults does not build".into());
        }
        let program = target.join("debug/scenario");
        Ok(Self { folder: folder.to_owned(), program })
    }

    /// The file of the copy.
    pub fn file(&self, path: &str) -> PathBuf {
        self.folder.join("source").join(path)
    }
}

/// Copies a file or a folder; a file that `edited` has a text for gets that. Files that are the same already are let be: cargo goes by
/// their times.
fn copy(from: &Path, to: &Path, edited: &dyn Fn(&Path) -> Option<String>) -> io::Result<()> {
    if from.is_file() {
        let contents = edited(from).map_or_else(|| fs::read(from), |text| Ok(text.into_bytes()))?;
        return match fs::read(to).is_ok_and(|old| old == contents) {
            true => Ok(()),
            false => fs::write(to, contents),
        };
    }
    fs::create_dir_all(to)?;
    for entry in from.read_dir()? {
        let name = entry?.file_name();
        if !LEFT_OUT.iter().any(|left_out| name == *left_out) {
            copy(&from.join(&name), &to.join(&name), edited)?;
        }
    }
    Ok(())
}
