/// Which Auto Scaling groups the stack may serve: its parameters of these names, of which one may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Served {
    /// `AutoScalingGroupName`
    pub auto_scaling_group_name: String,
    /// `ServedAutoScalingGroups`
    pub served_auto_scaling_groups: String,
}

impl Served {
    /// The parameters with which a stack serves all of these groups.
    pub fn all(groups: &[world::AutoScalingGroupSetting]) -> Self {
        match groups {
            [group] => Self { auto_scaling_group_name: group.name.clone(), ..Self::default() },
            _ => Self { served_auto_scaling_groups: "*".to_owned(), ..Self::default() },
        }
    }

    /// Whether a group is among them.
    pub fn contains(&self, group: &str) -> bool {
        group == self.auto_scaling_group_name || is_like(group, &self.served_auto_scaling_groups)
    }
}

/// Whether a text is like a pattern, in which `*` stands for any text, as in IAM's `StringLike` and in EventBridge's `wildcard`.
pub(crate) fn is_like(text: &str, pattern: &str) -> bool {
    match (pattern.chars().next(), text.chars().next()) {
        (None, None) => true,
        (Some('*'), first) => {
            is_like(text, &pattern[1..]) || first.is_some_and(|first| is_like(&text[first.len_utf8()..], pattern))
        }
        (Some(wanted), Some(first)) if wanted == first => {
            is_like(&text[first.len_utf8()..], &pattern[wanted.len_utf8()..])
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, like, unlike) in [
            ("web", vec!["web"], vec!["", "we", "web1", "*"]),
            ("web-*", vec!["web-", "web-1-2"], vec!["web", "a-web-1"]),
            ("*b*d", vec!["bd", "abcd", "dbdd"], vec!["", "b", "db", "bdb"]),
            ("*", vec!["", "ü"], vec![]),
            ("", vec![""], vec!["a"]),
        ] {
            assert!(like.iter().all(|text| is_like(text, pattern)), "{pattern}");
            assert!(!unlike.iter().any(|text| is_like(text, pattern)), "{pattern}");
        }
    }

    #[test]
    fn a_stack_may_serve_one_group_others_or_both() {
        let served = |name: &str, pattern: &str| {
            let served = Served { auto_scaling_group_name: name.into(), served_auto_scaling_groups: pattern.into() };
            ["web", "api-1"].map(|group| served.contains(group))
        };
        assert_eq!(served("web", ""), [true, false]);
        assert_eq!(served("", "api-*"), [false, true]);
        assert_eq!(served("web", "api-*"), [true, true]);
        assert!(!Served::default().contains("web"));
    }
}
