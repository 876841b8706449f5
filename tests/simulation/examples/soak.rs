#[path = "../tests/whole/stage.rs"]
mod stage;
use simulation::{Options, Simulation, block_on};
fn run(seed: u64) -> (String, Vec<String>, Vec<String>) {
    block_on(async || {
        let simulation = Simulation::start(Options { keeps_trace: false, ..stage::rough(seed) }).unwrap();
        simulation.world().launch_over(stage::GROUP, 3, 100.0).unwrap();
        stage::until_quiet(&simulation).await;
        let r = simulation.world().report_at_end();
        let e = simulation.executions().iter().map(|e| format!("{} {:?}", e.status, e.error)).collect();
        (simulation.trace_hash(), r.violations.iter().map(|v| format!("{v}")).collect(), e)
    })
}
fn main() {
    let a: u64 = std::env::args().nth(1).unwrap().parse().unwrap();
    let b: u64 = std::env::args().nth(2).unwrap().parse().unwrap();
    let mut ends = std::collections::BTreeMap::<String, u32>::new();
    for seed in a..b {
        let (h, v, e) = run(seed);
        let again = run(seed).0;
        if h != again {
            println!("seed {seed} NOT REPEATABLE");
        }
        for v in v {
            println!("seed {seed}: {}", v.chars().take(200).collect::<String>());
        }
        for e in e {
            *ends.entry(e).or_default() += 1;
        }
    }
    println!("{ends:#?}");
}
