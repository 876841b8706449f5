//! The turn: the right to start deployments. One rollout has it at a time.
//!
//! A turn is a set of claims, on the Auto Scaling group and on every deployment group of the rollout, each an item in a DynamoDB
//! table with the execution that holds it. Claims are taken all or none, in one transaction: deployment groups can span Auto
//! Scaling groups, and rollouts that share nothing do not wait for each other.
//!
//! A holder that has ended without giving its turn back is replaced. A Lambda call of it may still be under way then, so the
//! new holder's claims are **settling**: it starts nothing until [`wait::LONGEST_CALL`] is over.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::application::Application;
use crate::plan::Plan;
use crate::served::Finished;

#[allow(unused_imports, reason = "named in the documentation")]
use crate::wait;

/// A transaction has at most 100 items (DynamoDB API reference, TransactWriteItems), and one is the Auto Scaling group's.
pub const MOST_APPLICATIONS: usize = 99;

/// More failures in a row than make a difference to the time a rollout backs off.
pub const MOST_FAILURES: u32 = 16;

/// What a rollout has to hold before it may deploy.
pub fn claims(plan: &Plan) -> Vec<String> {
    let group = claim_on_group(&plan.auto_scaling_group_name);
    std::iter::once(group).chain(plan.applications.iter().map(claim_on)).collect()
}

/// The claim on an Auto Scaling group.
pub fn claim_on_group(auto_scaling_group_name: &str) -> String {
    format!("autoScalingGroup:{auto_scaling_group_name}")
}

/// The claim on an application's deployment group.
pub fn claim_on(application: &Application) -> String {
    // Neither name can contain a slash (CodeDeploy user guide, "CodeDeploy quotas").
    format!("deploymentGroup:{application}")
}

/// A claim as it is in the table.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Claim {
    pub claim: String,
    /// ARN of the execution that holds it.
    pub holder: Option<String>,
    /// Its holder has taken it from one that ended, whose last calls may still be under way.
    #[serde(default)]
    pub settling: bool,
    /// Of a deployment group: the deployment that was last seen finished in a turn. It stays when the claim is given back.
    pub finished: Option<Finished>,
    /// Of an Auto Scaling group: the application that was last deployed in a turn. It stays when the claim is given back.
    pub deploying: Option<Deploying>,
}

/// An application whose deployment may be under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deploying {
    pub application_name: String,
    pub deployment_group_name: String,
}

/// The application that was last deployed in a turn of the group, by this rollout or by one before it.
pub fn last_deployed(found: &[Claim]) -> Option<Application> {
    let Deploying { application_name, deployment_group_name } = found.iter().find_map(|c| c.deploying.as_ref())?;
    Some(Application::new(application_name, deployment_group_name))
}

/// Where a rollout stands with the claims that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It holds them all.
    Mine,
    /// It holds them all, but calls of the holder before it may still be under way.
    Settling,
    /// No other rollout holds any. It may hold some itself, if somebody has deleted the others.
    Free { part_mine: bool, part_settling: bool },
    /// These executions hold some.
    Held(BTreeSet<String>),
}

impl Standing {
    /// `found` are the claims that the table has; one that it has not is free.
    pub fn of(claims: &[String], found: &[Claim], execution: &str) -> Self {
        let holders = || found.iter().filter_map(|claim| claim.holder.as_deref());
        let others: BTreeSet<String> = holders().filter(|holder| *holder != execution).map(str::to_owned).collect();
        if !others.is_empty() {
            return Self::Held(others);
        }
        let mine = |name: &String| found.iter().find(|claim| claim.claim == *name && claim.holder.is_some());
        let part_settling = claims.iter().filter_map(mine).any(|claim| claim.settling);
        match claims.iter().all(|name| mine(name).is_some()) {
            false => Self::Free { part_mine: claims.iter().any(|name| mine(name).is_some()), part_settling },
            true if part_settling => Self::Settling,
            true => Self::Mine,
        }
    }

    /// Whether the rollout holds some of the claims, and not all.
    pub fn is_part_mine(&self) -> bool {
        matches!(self, Self::Free { part_mine: true, .. })
    }
}

/// What came of trying to take claims.
#[derive(Debug, Clone, PartialEq)]
pub enum Taking {
    Taken,
    /// These executions have been faster. None, when another transaction was under way at that moment.
    Refused(BTreeSet<String>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ME: &str = "arn:aws:states:us-east-1:123456789012:execution:turnstile:me";

    fn claim(name: &str, holder: Option<&str>, settling: bool) -> Claim {
        Claim { claim: name.into(), holder: holder.map(str::to_owned), settling, finished: None, deploying: None }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_turn_claims_the_group_and_every_deployment_group() {
        let plan = Plan {
            auto_scaling_group_name: "web".into(),
            instance_id: None,
            hook: None,
            applications: vec![Application::new("Search", "Production"), Application::new("Orders", "Blue Team")],
            on_failure: Default::default(),
            warnings: Vec::new(),
        };
        assert_eq!(
            claims(&plan),
            ["autoScalingGroup:web", "deploymentGroup:Search/Production", "deploymentGroup:Orders/Blue Team"]
        );
    }

    #[test]
    fn where_a_rollout_stands() {
        let held = |holders: &[&str]| Standing::Held(holders.iter().map(|holder| (*holder).to_owned()).collect());
        let free = |part_mine, part_settling| Standing::Free { part_mine, part_settling };
        for (found, expected) in [
            (vec![], free(false, false)),
            (vec![claim("a", None, false)], free(false, false)),
            (vec![claim("a", Some(ME), false)], free(true, false)),
            (vec![claim("a", Some(ME), true)], free(true, true)),
            (vec![claim("a", Some(ME), false), claim("b", Some(ME), false)], Standing::Mine),
            (vec![claim("a", Some(ME), true), claim("b", Some(ME), true)], Standing::Settling),
            (vec![claim("a", Some(ME), false), claim("b", Some(ME), true)], Standing::Settling),
            (vec![claim("b", Some("x"), false)], held(&["x"])),
            (vec![claim("a", Some(ME), false), claim("b", Some("x"), false)], held(&["x"])),
            (vec![claim("a", Some("y"), true), claim("b", Some("x"), false)], held(&["x", "y"])),
        ] {
            assert_eq!(Standing::of(&names(&["a", "b"]), &found, ME), expected, "{found:?}");
        }
    }

    proptest! {
        /// Whatever the table has: nobody takes himself for the holder beside another one.
        #[test]
        fn two_rollouts_never_both_have_the_turn(
            rows in prop::collection::vec((0..3usize, prop::option::of(0..2usize), any::<bool>()), 0..6)
        ) {
            let executions = ["one", "two"];
            let mut found: Vec<Claim> = Vec::new();
            for (name, holder, settling) in rows {
                let name = ["a", "b", "c"][name];
                found.retain(|claim| claim.claim != name);
                found.push(claim(name, holder.map(|holder| executions[holder]), settling));
            }
            let needed = names(&["a", "b"]);
            let mine = |execution: &str| {
                let seen: Vec<Claim> = found.iter().filter(|claim| needed.contains(&claim.claim)).cloned().collect();
                matches!(Standing::of(&needed, &seen, execution), Standing::Mine | Standing::Settling)
            };
            prop_assert!(!(mine("one") && mine("two")));
        }
    }
}
