//! How the services treat calls.

use fastrand::Rng;
use simulation::{LambdaOptions, Network, Trailing};

use super::{Theme, one_in, pick};
use crate::format::Services;

/// In two of three scenarios some of the services are at their best. `has_outage`: every call takes its longest. Then Lambda has room for all rollouts, or none of them would get to a heartbeat.
pub(super) fn draw(theme: Theme, has_outage: bool, random: &mut Rng) -> Services {
    let network = match theme {
        Theme::LateCreation => late("CreateDeployment", 1.0),
        Theme::LateCompletion => late("CompleteLifecycleAction", 0.4),
        Theme::LateTurn => late("TransactWriteItems", 0.5),
        // Calls of several rollouts are under way at once.
        Theme::Rush => Network { usual_seconds: 1.0, ..Network::default() },
        Theme::Usual | Theme::Neighbour => network(random),
    };
    let lambda = lambda(random);
    let concurrency = if has_outage { LambdaOptions::default().concurrency } else { lambda.concurrency };
    Services {
        network,
        lambda: LambdaOptions { concurrency, ..lambda },
        trailing: match one_in(2, random) {
            true => Trailing { rate: *pick(&[0.3, 0.7, 1.0], random), seconds: *pick(&[1.0, 5.0, 20.0], random) },
            false => Trailing::default(),
        },
        dynamodb_trails_seconds: *pick(&[0.0, 1.0, 1.0, 5.0], random),
    }
}

/// Such a part of the calls of an operation goes on for longer than another rollout takes to notice that its own has ended, and for longer
/// than the functions wait for its answer.
fn late(operation: &str, long_rate: f64) -> Network {
    let long_operations = vec![operation.to_owned()];
    Network { long_rate, long_seconds: 75.0, long_operations, ..Network::default() }
}

/// Ways that are as long as a handler's work make calls overtake each other. Long ones outlast the clients' time-outs: the request arrives
/// when nobody waits for its answer any more.
fn network(random: &mut Rng) -> Network {
    let usual = Network { usual_seconds: *pick(&[0.005, 0.02, 0.2, 1.0], random), ..Network::default() };
    match one_in(2, random) {
        true => Network {
            long_rate: *pick(&[0.005, 0.02, 0.05], random),
            long_seconds: *pick(&[2.0, 8.0, 20.0], random),
            unreachable_rate: *pick(&[0.0, 0.02, 0.1], random),
            ..usual
        },
        false => usual,
    }
}

fn lambda(random: &mut Rng) -> LambdaOptions {
    LambdaOptions {
        cold_start_seconds: *pick(&[0.4, 0.4, 2.0, 8.0], random),
        idle_seconds: *pick(&[600.0, 600.0, 5.0], random),
        concurrency: *pick(&[1000, 1000, 1000, 1000, 2, 1], random),
        crash_rate: if one_in(3, random) { *pick(&[0.01, 0.05, 0.1], random) } else { 0.0 },
        ..LambdaOptions::default()
    }
}
