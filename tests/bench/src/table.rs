//! The rows as tables: what was measured beside its limit, and what of it was the local stack's.

use comfy_table::{CellAlignment, Table, presets};

use crate::broken::{BrokenRow, Loop};
use crate::row::Row;

/// Every case's measures, beside their limits where there are any.
pub fn measures(rows: &[&Row]) -> Table {
    let mut table = with_header([
        "case",
        "deployments",
        "limit",
        "makespan",
        "limit",
        "mean",
        "limit",
        "worst",
        "limit",
        "CodeDeploy calls",
        "limit",
        "throttled",
        "Auto Scaling calls",
        "transitions",
        "limit",
        "dollars",
        "violations",
    ]);
    for row in rows {
        table.add_row([
            row.case.to_owned(),
            row.deployments.to_string(),
            row.limit_deployments.to_string(),
            ratio(row.makespan_ratio),
            ratio(row.limit_makespan_ratio),
            ratio(row.mean_ratio),
            ratio(row.limit_mean_ratio),
            ratio(row.worst_ratio),
            ratio(row.limit_worst_ratio),
            format!("{:.1}", row.codedeploy_calls_per_instance),
            count(row.limit_codedeploy_calls_per_instance),
            row.throttled_calls.to_string(),
            format!("{:.1}", row.autoscaling_calls_per_instance),
            format!("{:.1}", row.transitions_per_instance),
            count(row.limit_transitions_per_instance),
            format!("{:.4}", row.dollars_per_instance),
            row.violations.to_string(),
        ]);
    }
    right_aligned(table)
}

/// The local stack's own part of the time, in world seconds.
pub fn stack(rows: &[&Row]) -> Table {
    let mut table =
        with_header(["case", "speed", "slowest start", "a Lambda call", "latest Wait", "in a rollout, at most"]);
    for (row, stack) in rows.iter().filter_map(|row| Some((row, row.stack?))) {
        let lag = row.stack_share().map_or_else(String::new, |share| format!(" ({:.1} %)", 100.0 * share));
        table.add_row([
            row.case.to_owned(),
            stack.speed.to_string(),
            format!("{:.1} s", stack.slowest_start_seconds),
            format!("{:.1} s", stack.seconds_per_lambda_call),
            format!("{:.1} s", stack.latest_wait_seconds),
            format!("{:.0} s{lag}", stack.lag_seconds),
        ]);
    }
    right_aligned(table)
}

/// The launches of a broken application, under Turnstile beside the limit, and under CodeDeploy's own hooks.
pub fn loops(row: &BrokenRow) -> Table {
    let mut table =
        with_header(["under", "launches", "took", "launches an hour", "limit", "kept, at most", "the local stack's"]);
    let cells = |name: &str, of: &Loop, limit: String, stack: String| {
        let kept = format!("{} min", stack::minutes(of.longest_kept_seconds));
        let rate = format!("{:.2}", of.launches_per_hour);
        [name.to_owned(), of.launches.to_string(), format!("{:.2} h", of.hours), rate, limit, kept, stack]
    };
    let limit = format!("{:.2}", row.limit_launches_per_hour);
    let stack = format!("{:.2} h", row.stack_seconds / 3_600.0);
    table.add_row(cells("Turnstile", &row.turnstile, limit, stack));
    table.add_row(cells("CodeDeploy's own hooks", &row.under_own_hooks, "–".to_owned(), "–".to_owned()));
    right_aligned(table)
}

/// A table with a header and no rows.
pub fn with_header<const COLUMNS: usize>(header: [&str; COLUMNS]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header(header);
    table
}

/// The table with every column but the first aligned to the right.
pub fn right_aligned(mut table: Table) -> Table {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"))
}

fn count(limit: Option<f64>) -> String {
    limit.map_or_else(|| "–".to_owned(), |limit| limit.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{CASES, Case, Place};
    use crate::run::tests::two_instances;

    #[test]
    fn every_number_is_beside_its_limit() {
        let case = Case { instances: 2, limit_makespan_ratio: Some(1.5), ..CASES[0] };
        let row = Row::of(&case, Place::Stack(20.0), &two_instances());
        let rows = [&row];
        for (table, line) in [
            (measures(&rows), "1 alone 1 6 1.08 1.50 1.04 – 1.04 – 1.5 – 1 0.5 30.0 96 0.0008 0"),
            (stack(&rows), "1 alone 20 3.0 s 2.0 s 1.5 s 14 s (0.9 %)"),
        ] {
            let text = table.to_string();
            assert!(has_row(&text, line), "{line} in\n{text}");
        }
    }

    #[test]
    fn both_loops_are_beside_the_limit() {
        let own = Loop { launches: 20, hours: 0.625, launches_per_hour: 32.0, longest_kept_seconds: 0.0 };
        let row = BrokenRow {
            turnstile: Loop { hours: 10.0, launches_per_hour: 2.0, longest_kept_seconds: 1_830.0, ..own },
            stack_seconds: 1_800.0,
            ..BrokenRow::of(300.0, &two_instances(), own)
        };
        let text = loops(&row).to_string();
        for line in
            ["Turnstile 20 10.00 h 2.00 2.49 30:30 min 0.50 h", "CodeDeploy's own hooks 20 0.62 h 32.00 – 0:00 min –"]
        {
            assert!(has_row(&text, line), "{line} in\n{text}");
        }
    }

    fn has_row(table: &str, words: &str) -> bool {
        table.lines().any(|row| row.trim_matches('│').split_whitespace().eq(words.split(' ')))
    }

    #[test]
    fn what_was_not_measured_is_a_dash() {
        let row = Row { makespan_ratio: None, ..Row::of(&CASES[0], Place::Stack(20.0), &two_instances()) };
        let text = measures(&[&row]).to_string();
        assert_eq!(text.matches('–').count(), 5, "{text}");
    }
}
