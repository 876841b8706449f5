//! What the operator should know of the set-up, in as much room as a plan has for it.

use crate::limits::{LONGEST_WARNING, LONGEST_WARNINGS};
use crate::words::text::beginning;

/// As many of the warnings as there is room for, the first ones first, and then how many were left out.
pub fn bounded(warnings: Vec<String>) -> Vec<String> {
    let all = warnings.len();
    let mut room = LONGEST_WARNINGS;
    let mut bounded: Vec<String> = warnings
        .into_iter()
        .map(|warning| beginning(&warning, LONGEST_WARNING))
        .take_while(|warning| match room.checked_sub(warning.len()) {
            Some(left) => {
                room = left;
                true
            }
            None => false,
        })
        .collect();
    if bounded.len() < all {
        let left_out = all - bounded.len();
        bounded.push(format!(
            "and {left_out} more warnings, for which there is no room: dry runs with a part of the list show them"
        ));
    }
    bounded
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn few_warnings_stay_as_they_are() {
        let few = vec!["one".to_owned(), "two".to_owned()];
        assert_eq!(bounded(few.clone()), few);
        assert_eq!(bounded(Vec::new()), Vec::<String>::new());
    }

    #[test]
    fn many_are_counted_instead() {
        let many: Vec<String> = (0..1_000).map(|i| format!("{i} {}", "x".repeat(300))).collect();
        let bounded = bounded(many.clone());
        let (last, first) = bounded.split_last().unwrap();
        assert_eq!(first, &many[..first.len()]);
        assert!(last.starts_with(&format!("and {} more warnings", 1_000 - first.len())), "{last}");
    }

    proptest! {
        #[test]
        fn all_of_them_have_an_end(warnings in prop::collection::vec("\\PC{0,4000}", 0..60)) {
            let bytes: usize = bounded(warnings).iter().map(String::len).sum();
            prop_assert!(bytes <= LONGEST_WARNINGS + 200, "{bytes}");
        }
    }
}
