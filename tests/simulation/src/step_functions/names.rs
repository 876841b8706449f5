//! The names that an execution can have.

use super::Refusal;

/// Checks a name: 1 to 80 characters, without white space, brackets, wildcards, special or control characters.
///
/// Source: Step Functions API reference, StartExecution, `name`.
pub(super) fn check(name: &str) -> Result<(), Refusal> {
    const SPECIAL: &str = "<>{}[]?*\"#%\\^|~`$&,;:/";
    let length = name.chars().count();
    if !(1..=80).contains(&length) {
        let problem = format!(
            "1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: Member must have length between 1 and 80"
        );
        return Err(Refusal("ValidationException", problem));
    }
    let is_wrong = |c: char| c.is_whitespace() || c.is_control() || SPECIAL.contains(c);
    if name.contains(is_wrong) {
        return Err(Refusal("InvalidName", format!("Invalid Name: '{name}'")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_the_api_takes() {
        let (longest, too_long) = ("n".repeat(80), "n".repeat(81));
        for (name, code) in [
            ("web-i-0123456789abcdef0", None),
            ("a_b.c+d=e@f!(g)'", None),
            (longest.as_str(), None),
            (too_long.as_str(), Some("ValidationException")),
            ("", Some("ValidationException")),
            ("a b", Some("InvalidName")),
            ("a\u{1}b", Some("InvalidName")),
            ("a/b", Some("InvalidName")),
            ("a:b", Some("InvalidName")),
            ("a*", Some("InvalidName")),
        ] {
            assert_eq!(check(name).err().map(|refusal| refusal.0), code, "{name:?}");
        }
    }
}
