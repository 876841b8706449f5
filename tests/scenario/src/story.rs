//! A simulation's run as a story for people.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use simulation::Entry;

/// The characters of a line after which a request or an answer is cut off.
const LINE: usize = 600;

/// Writes story.txt into a folder, which is created: a line for each thing that happened, with its time, who, what, and the request or the
/// answer. The file's path.
///
/// # Errors
/// The file system's.
pub fn write(folder: &Path, trace: &[Entry]) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let path = folder.join("story.txt");
    let mut lines = BufWriter::new(fs::File::create(&path)?);
    for entry in trace {
        writeln!(lines, "{}", line(entry))?;
    }
    lines.flush()?;
    Ok(path)
}

fn line(entry: &Entry) -> String {
    let line = entry.to_string();
    match line.char_indices().nth(LINE) {
        Some((end, _)) => format!("{} …", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_off() {
        let entry = |detail: &str| Entry {
            at: 61.5,
            who: "start-deployment#1".to_owned(),
            what: "answers".to_owned(),
            detail: detail.to_owned(),
        };
        assert_eq!(line(&entry("{}")), "   1:01.500  start-deployment#1  answers  {}");
        let long = line(&entry(&"ä".repeat(1000)));
        assert!(long.ends_with("ä …") && long.chars().count() == LINE + 2, "{long}");
    }
}
