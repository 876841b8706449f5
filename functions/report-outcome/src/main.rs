//! The Lambda function `report-outcome`.

fn main() -> Result<(), aws::function::StartError> {
    aws::function::run::<report_outcome::ReportOutcome>()
}
