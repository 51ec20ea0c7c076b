//! Measures what a master does with its state on disk: a restore from a backup, the start of a
//! master on it (every page checked, every record read), and a backup of it. Prints one JSON
//! object. `state [AGENTS] [FRAMEWORKS]`

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::time::Instant as Wall;

use stoa_master::backup::{About, Writer, restore, save_stopped};
use stoa_master::{Config, OpenMaster, Settings};
use stoa_master_core::Record;
use stoa_model::agent::AgentInfo;
use stoa_model::epoch::Epoch;
use stoa_model::framework::{FAILOVER_TIMEOUT_MS_DEFAULT, FrameworkInfo, ROLE_DEFAULT};
use stoa_model::ids::{AgentId, FrameworkId, Role};
use stoa_model::resources::Resources;
use stoa_model::scheduler::MasterInfo;

type Failure = Box<dyn std::error::Error>;

fn agent(n: u64) -> Result<Record, Failure> {
    let info = AgentInfo {
        hostname: format!("machine-{n}"),
        resources: Resources::new(32_000, 64 << 30),
        attributes: BTreeMap::from([("zone".to_owned(), format!("z{}", n % 3))]),
        version: "1".to_owned(),
    };
    Ok(Record::Agent { id: AgentId::new(&format!("m1-A{n}"))?, info })
}

fn framework(n: u64) -> Result<Record, Failure> {
    let info = FrameworkInfo {
        name: format!("framework-{n}"),
        user: "bench".to_owned(),
        roles: vec![Role::new(ROLE_DEFAULT)?],
        failover_timeout_ms: FAILOVER_TIMEOUT_MS_DEFAULT,
        labels: Vec::new(),
        ends_alone: false,
    };
    Ok(Record::Framework { id: FrameworkId::new(&format!("m1-F{n}"))?, info })
}

/// The milliseconds that `work` takes, and what it answers.
fn timed<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<(f64, T), E> {
    let begin = Wall::now();
    let done = work()?;
    Ok((begin.elapsed().as_secs_f64() * 1e3, done))
}

fn main() -> Result<(), Failure> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let agents = numbers.next().unwrap_or(Ok(1_000))?;
    let frameworks = numbers.next().unwrap_or(Ok(5))?;
    let place = tempfile::tempdir()?;
    let (first, second) = (place.path().join("first"), place.path().join("second"));
    let state = place.path().join("state");
    let about = About {
        made_at_ms: 0,
        version: "1".to_owned(),
        cluster: String::new(),
        epoch: Epoch::NONE,
    };
    let mut writer = Writer::begin(BufWriter::new(File::create(&first)?), &about)?;
    for record in (0..agents).map(agent).chain((0..frameworks).map(framework)) {
        writer.record(&record?)?;
    }
    writer.finish()?;
    let (restore_ms, checked) = timed(|| restore(&first, &state))?;
    let info = MasterInfo { id: "m2".to_owned(), version: "1".to_owned(), epoch: Epoch::NONE };
    let settings =
        Settings { config: Config::new(info), state: state.clone(), epoch_above: Epoch::NONE };
    let (open_ms, master) = timed(|| OpenMaster::open(settings))?;
    drop(master);
    let save =
        || save_stopped(&state, BufWriter::new(File::create(&second)?)).map_err(Failure::from);
    let (backup_ms, _) = timed(save)?;
    let store_bytes = state.join("master.redb").metadata()?.len();
    println!(
        "{{\"agents\":{agents},\"frameworks\":{frameworks},\"backup_bytes\":{},\
         \"store_bytes\":{store_bytes},\"restore_ms\":{restore_ms:.1},\"open_ms\":{open_ms:.1},\
         \"backup_ms\":{backup_ms:.1}}}",
        checked.bytes
    );
    Ok(())
}
