//! Formats times for people.

/// `seconds` as minutes and seconds, rounded: `3:05`.
pub fn minutes(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    format!("{}:{:02}", whole / 60, whole % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_read_as_minutes() {
        for (seconds, text) in [(0.0, "0:00"), (59.4, "0:59"), (59.5, "1:00"), (185.0, "3:05"), (3600.0, "60:00")] {
            assert_eq!(minutes(seconds), text);
        }
    }
}
