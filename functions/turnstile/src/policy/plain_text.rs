//! Text of scripts, agents and AWS, as an operator can read it: without what is meant for a terminal, and not too long.

use anstyle_parse::{DefaultCharAccumulator, Parser, Perform};

/// The text without what a terminal would carry out: colours and other escape sequences (ECMA-48), progress that is written over with
/// carriage returns and backspaces, other control characters, and the marks of Unicode that change the direction of the text around
/// them (Unicode Standard Annex #9).
pub fn plain(text: &str) -> String {
    let lines: Vec<String> = text.split(['\n', '\u{2028}', '\u{2029}']).map(plain_line).collect();
    lines.join("\n")
}

/// The last lines of a text that fit into `longest` characters; of a last line that does not, its end.
pub fn last_lines(text: &str, longest: usize) -> String {
    let text = text.trim_end();
    let mut lines = Vec::new();
    let mut room = longest;
    for line in text.lines().rev() {
        let length = line.chars().count() + 1;
        if length > room {
            if lines.is_empty() {
                lines.push(line.chars().skip(length - room).collect());
            }
            break;
        }
        room -= length;
        lines.push(line.to_owned());
    }
    lines.reverse();
    lines.join("\n")
}

/// A line is read by itself, so that a sequence that is cut off does not take the next lines with it.
fn plain_line(line: &str) -> String {
    let mut screen = Screen::default();
    let mut parser = Parser::<DefaultCharAccumulator>::new();
    for byte in with_seven_bits(line).bytes() {
        parser.advance(&mut screen, byte);
    }
    screen.shown()
}

/// With escape sequences as they begin in 7-bit environments, the only form that the parser knows (ECMA-48, 5.3).
fn with_seven_bits(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for c in line.chars() {
        match u32::from(c) {
            c1 @ 0x80..=0x9f => {
                text.push('\u{1b}');
                text.extend(char::from_u32(c1 - 0x40));
            }
            _ => text.push(c),
        }
    }
    text
}

/// A line of a terminal.
#[derive(Default)]
struct Screen {
    line: String,
    /// What the line showed before it was begun again.
    before: String,
}

impl Perform for Screen {
    fn print(&mut self, c: char) {
        if !c.is_control() && !changes_direction(c) {
            self.line.push(c);
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\t' => self.line.push('\t'),
            b'\x08' => {
                self.line.pop();
            }
            b'\r' if !self.line.is_empty() => self.before = std::mem::take(&mut self.line),
            _ => {}
        }
    }
}

impl Screen {
    fn shown(self) -> String {
        if self.line.is_empty() { self.before } else { self.line }
    }
}

fn changes_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_meant_for_a_terminal_is_left_out() {
        for (log, read) in [
            ("[stderr]\u{1b}[1;31mno such table\u{1b}[0m", "[stderr]no such table"),
            ("\u{9b}31mred\u{9b}m", "red"),
            ("\u{1b}]8;;https://example.com\u{7}link\u{1b}]8;;\u{1b}\\", "link"),
            ("cut off \u{1b}]0;title\nnext line", "cut off \nnext line"),
            ("cut off \u{1b}[3\nnext line", "cut off \nnext line"),
            ("10 %\r55 %\r100 %", "100 %"),
            ("10 %\r100 %\r", "100 %"),
            ("one\r\ntwo\r\n", "one\ntwo\n"),
            ("|\u{8}/\u{8}-\u{8}done", "done"),
            ("\u{202e}gnp.exe\u{202c} \u{2066}x\u{2069}", "gnp.exe x"),
            ("a\tb\u{7}\u{0}c\u{7f}", "a\tbc"),
            ("Größe 日本 🙂", "Größe 日本 🙂"),
            ("a\u{2028}b", "a\nb"),
        ] {
            assert_eq!(plain(log), read, "{log:?}");
        }
    }

    #[test]
    fn a_text_that_is_too_long_keeps_one_end() {
        assert_eq!(last_lines("one\ntwo\n", 100), "one\ntwo");
        assert_eq!(last_lines("one\ntwo\nthree", 10), "two\nthree");
        assert_eq!(last_lines("one\na line that is too long", 9), "too long");
    }

    proptest! {
        #[test]
        fn plain_text_has_nothing_for_a_terminal(text in any::<String>(), log in "[ -~\n\r\t\u{8}\u{1b}\\[\u{9b}\u{202e}mä]{0,200}") {
            for text in [text, log] {
                let plain = plain(&text);
                prop_assert!(!plain.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t') || changes_direction(c)));
                prop_assert_eq!(super::plain(&plain), plain.clone());
                prop_assert!(plain.chars().count() <= text.chars().count());
            }
        }

        #[test]
        fn plain_words_stay_as_they_are(text in "[ -~\n\täß]{0,400}") {
            prop_assert_eq!(plain(&text), text);
        }

        #[test]
        fn the_last_lines_are_bounded_and_the_end_of_the_text(text in "[ -~\näß]{0,400}", longest in 1..200_usize) {
            let end = last_lines(&text, longest);
            prop_assert!(end.chars().count() <= longest);
            prop_assert!(text.trim_end().ends_with(&end));
        }
    }
}
