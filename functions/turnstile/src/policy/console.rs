//! Links to the AWS console.

use crate::words::ids::{DeploymentId, ExecutionArn};

/// Where the partitions of AWS have their consoles, by how the names of their Regions begin. Every other Region is of the partition
/// `aws`. (AWS's endpoint rules for its sign-in service name these domains; template.yaml has the same.)
const CONSOLES: [(&str, &str); 7] = [
    ("cn-", "console.amazonaws.cn"),
    ("us-gov-", "console.amazonaws-us-gov.com"),
    ("eusc-", "console.amazonaws-eusc.eu"),
    ("us-iso-", "console.c2shome.ic.gov"),
    ("us-isob-", "console.sc2shome.sgov.gov"),
    ("us-isof-", "console.csphome.hci.ic.gov"),
    ("eu-isoe-", "console.csphome.adc-e.uk"),
];

/// The deployment in the CodeDeploy console.
pub fn deployment_url(region: &str, deployment_id: &DeploymentId) -> String {
    let domain = domain(region);
    format!("https://{region}.{domain}/codesuite/codedeploy/deployments/{deployment_id}?region={region}")
}

/// The execution in the Step Functions console.
pub fn execution_url(execution: &ExecutionArn) -> String {
    let region = execution.as_str().split(':').nth(3).unwrap_or_default();
    format!("https://{region}.{}/states/home?region={region}#/v2/executions/details/{execution}", domain(region))
}

fn domain(region: &str) -> &'static str {
    let partition = CONSOLES.iter().find(|(prefix, _)| region.starts_with(prefix));
    partition.map_or("console.aws.amazon.com", |(_, domain)| domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_its_own_console() {
        for (region, domain) in [
            ("eu-west-1", "console.aws.amazon.com"),
            ("us-east-1", "console.aws.amazon.com"),
            ("cn-north-1", "console.amazonaws.cn"),
            ("us-gov-west-1", "console.amazonaws-us-gov.com"),
            ("eusc-de-east-1", "console.amazonaws-eusc.eu"),
            ("us-iso-east-1", "console.c2shome.ic.gov"),
            ("us-isob-east-1", "console.sc2shome.sgov.gov"),
            ("us-isof-south-1", "console.csphome.hci.ic.gov"),
            ("eu-isoe-west-1", "console.csphome.adc-e.uk"),
        ] {
            let url = deployment_url(region, &"d-1".into());
            let expected = format!("https://{region}.{domain}/codesuite/codedeploy/deployments/d-1?region={region}");
            assert_eq!(url, expected);
        }
    }

    #[test]
    fn an_execution_is_found_in_the_console_of_its_region() {
        let execution = ExecutionArn::from("arn:aws-cn:states:cn-north-1:123456789012:execution:turnstile:web-1");
        assert_eq!(
            execution_url(&execution),
            format!(
                "https://cn-north-1.console.amazonaws.cn/states/home?region=cn-north-1#/v2/executions/details/{execution}"
            )
        );
    }

    #[test]
    fn the_stack_s_link_knows_the_same_consoles() {
        let template = include_str!("../../../../template.yaml");
        for (_, domain) in CONSOLES {
            assert!(template.contains(domain), "template.yaml has no {domain}");
        }
    }
}
