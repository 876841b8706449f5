//! Text that may be long.

/// The beginning of a text, `longest` characters at the most.
pub fn beginning(text: &str, longest: usize) -> String {
    match text.chars().count() > longest {
        true => text.chars().take(longest.saturating_sub(1)).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_too_long_keeps_its_beginning() {
        assert_eq!(beginning("abcd", 4), "abcd");
        assert_eq!(beginning("äbcde", 4), "äbc…");
    }
}
