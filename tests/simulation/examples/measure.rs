//! How long a launch with six applications takes: `cargo run -p simulation --example measure -- 20 [rough]`.
#[path = "../tests/whole/stage.rs"]
mod stage;
use simulation::{Simulation, block_on};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let n: u64 = args.get(1).map_or(20, |n| n.parse().unwrap());
    let is_rough = args.get(2).is_some_and(|a| a == "rough");
    if args.get(2).is_some_and(|a| a == "trace") {
        block_on(async || {
            let simulation = Simulation::start(simulation::Options { keeps_trace: true, ..stage::options(n) }).unwrap();
            simulation.world().launch(stage::GROUP).unwrap();
            stage::until_quiet(&simulation).await;
            for entry in simulation.trace() {
                println!("{}", entry.to_string().chars().take(260).collect::<String>());
            }
        });
        return;
    }
    let began = std::time::Instant::now();
    for seed in 0..n {
        let t = std::time::Instant::now();
        let (calls, executions, end, start) = block_on(async || {
            let simulation =
                Simulation::start(if is_rough { stage::rough(seed) } else { stage::options(seed) }).unwrap();
            let start = t.elapsed();
            simulation.world().launch_over(stage::GROUP, if is_rough { 3 } else { 1 }, 100.0).unwrap();
            stage::until_quiet(&simulation).await;
            let calls = simulation.world().report().calls.len() + simulation.calls().len();
            (
                calls,
                simulation.executions().iter().map(|e| simulation.transitions(&e.arn).unwrap()).sum::<usize>(),
                simulation.executions().iter().filter_map(|e| e.ended_at).fold(0.0, f64::max),
                start,
            )
        });
        if seed < 5 {
            println!(
                "seed {seed}: {:?} (start {start:?}), {calls} calls, {executions} transitions, {end} virtual seconds",
                t.elapsed()
            );
        }
    }
    println!("{n} runs, {:?} each", began.elapsed() / n as u32);
}
