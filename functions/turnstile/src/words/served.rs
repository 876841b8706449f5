//! The Auto Scaling groups that a stack may serve.

use crate::words::error::Error;
use crate::words::ids::{AutoScalingGroupName, GroupPattern};

/// The groups of the stack's parameters: the roles of its functions reach no others. Which of them it does serve, their hooks say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedGroups {
    /// The group to which the stack itself gives its hook.
    pub name: Option<AutoScalingGroupName>,
    pub pattern: Option<GroupPattern>,
}

impl ServedGroups {
    /// Whether the stack may serve the group.
    pub fn contains(&self, group: &AutoScalingGroupName) -> bool {
        self.name.as_ref() == Some(group) || self.pattern.as_ref().is_some_and(|pattern| pattern.matches(group))
    }

    /// Checks that a rollout may be about a group: the functions' roles reach no other.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], which names the stack's parameters.
    pub fn check(&self, group: &AutoScalingGroupName) -> Result<(), Error> {
        if self.contains(group) {
            return Ok(());
        }
        let name = self.name.iter().map(|name| format!("{:?} (the stack's AutoScalingGroupName)", name.as_str()));
        let pattern = self.pattern.iter().map(|pattern| format!("a name like {pattern} (ServedAutoScalingGroups)"));
        let expected: Vec<String> = name.chain(pattern).collect();
        Err(Error::InvalidInput(format!(
            "autoScalingGroupName: expected {}, got {:?}",
            expected.join(" or "),
            group.as_str()
        )))
    }

    /// The group, if there can be no other.
    pub fn only(&self) -> Option<&AutoScalingGroupName> {
        self.name.as_ref().filter(|_| self.pattern.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_served_by_its_name_or_by_the_pattern() {
        let served = |name: &str, pattern: &str| ServedGroups {
            name: AutoScalingGroupName::try_from(name).ok(),
            pattern: GroupPattern::try_from(pattern).ok(),
        };
        let group = |name: &str| AutoScalingGroupName::try_from(name).unwrap();
        for (name, pattern, expected, has_only_one) in [
            ("web", "", [true, false, false], true),
            ("", "api-*", [false, true, false], false),
            ("web", "api-*", [true, true, false], false),
            ("", "*", [true, true, true], false),
        ] {
            let served = served(name, pattern);
            let contains = ["web", "api-2", "workers"].map(|name| served.contains(&group(name)));
            let checked = ["web", "api-2", "workers"].map(|name| served.check(&group(name)).is_ok());
            assert_eq!(checked, contains, "{served:?}");
            assert_eq!((contains, served.only().is_some()), (expected, has_only_one), "{served:?}");
        }
        assert_eq!(
            served("web", "api-*").check(&group("wbe")).unwrap_err().to_string(),
            "autoScalingGroupName: expected \"web\" (the stack's AutoScalingGroupName) or a name like api-* (ServedAutoScalingGroups), got \"wbe\""
        );
    }
}
