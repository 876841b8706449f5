//! The Lambda function `report-outcome`.

fn main() -> std::process::ExitCode {
    aws::function::run::<report_outcome::ReportOutcome>()
}
