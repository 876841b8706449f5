//! The faults that are planted: `tests/teeth/faults.json`.

use serde::Deserialize;

const LIST: &str = include_str!("../faults.json");

/// A fault.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What `PLANTED_FAULT` has to be for it to be there.
    pub name: String,
    /// What is wrong, in a sentence.
    pub about: String,
    /// What is changed.
    pub edits: Vec<Edit>,
}

/// A text in a file of the workspace, and what takes its place.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The file's path in the workspace.
    pub file: String,
    /// The text, which is there once.
    pub old: String,
    /// What takes its place.
    pub new: String,
    /// Whether the text may be there more than once, and is replaced everywhere.
    #[serde(default)]
    pub every: bool,
}

/// Why a fault cannot be planted: the code has changed since it was written.
#[derive(Debug, thiserror::Error)]
#[error("tests/teeth/faults.json: {file} has this {found} times, and should have it once:\n{old}")]
pub struct Unplantable {
    file: String,
    found: usize,
    old: String,
}

/// The list.
pub fn all() -> Result<Vec<Fault>, serde_json::Error> {
    serde_json::from_str(LIST)
}

impl Edit {
    /// Whether this is in the definition, of which there is one at a time: it has no switch.
    pub fn is_in_definition(&self) -> bool {
        self.file.ends_with(".asl.json")
    }

    /// The file's text with the edit.
    ///
    /// # Errors
    /// When the old text is not there, or not only once.
    pub fn apply(&self, text: &str) -> Result<String, Unplantable> {
        let found = text.matches(&self.old).count();
        match found == 1 || self.every && found > 0 {
            true => Ok(text.replace(&self.old, &self.new)),
            false => Err(Unplantable { file: self.file.clone(), found, old: self.old.clone() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn every_fault_can_be_planted() {
        let faults = all().expect("a list of faults");
        assert!(faults.len() >= 15, "{}", faults.len());
        let mut files: BTreeMap<&str, String> = BTreeMap::new();
        for edit in faults.iter().flat_map(|fault| &fault.edits) {
            let text = files.entry(&edit.file).or_insert_with(|| {
                std::fs::read_to_string(crate::workspace().join(&edit.file))
                    .unwrap_or_else(|error| panic!("{}: {error}", edit.file))
            });
            *text = edit.apply(text).unwrap_or_else(|error| panic!("{error}"));
        }
    }

    #[test]
    fn a_fault_in_the_code_has_its_switch() {
        for fault in all().expect("a list of faults") {
            for edit in fault.edits.iter().filter(|edit| !edit.is_in_definition()) {
                assert!(edit.new.contains(&format!("planted(\"{}\")", fault.name)), "{}", fault.name);
            }
        }
    }

    #[test]
    fn nothing_that_is_shipped_has_a_planted_fault() {
        let mut folders = vec![crate::workspace().join("functions"), crate::workspace().join("statemachine")];
        let mut files = 0;
        while let Some(folder) = folders.pop() {
            for entry in folder.read_dir().expect("a folder").map(|entry| entry.expect("an entry").path()) {
                if entry.is_dir() {
                    folders.push(entry);
                    continue;
                }
                let text = String::from_utf8_lossy(&std::fs::read(&entry).expect("a file")).to_lowercase();
                assert!(!text.contains("planted"), "{}", entry.display());
                files += 1;
            }
        }
        assert!(files > 50, "{files}");
    }

    #[test]
    fn a_text_that_is_not_there_once_is_told() {
        let edit = |every| Edit { file: "a.rs".into(), old: "x".into(), new: "y".into(), every };
        assert_eq!(edit(false).apply("axb").unwrap(), "ayb");
        assert!(edit(false).apply("xx").unwrap_err().to_string().contains("a.rs has this 2 times"));
        assert_eq!(edit(true).apply("xx").unwrap(), "yy");
        assert!(edit(true).apply("b").is_err());
    }
}
