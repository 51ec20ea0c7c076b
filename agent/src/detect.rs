//! What this machine has to give. It never decides how much of it is given: flags may.

use std::path::Path;

use stoa_model::ports::Ports;
use stoa_model::resources::Resources;

/// Memory that is left to the machine and to Stoa itself: an eighth, and 1 GiB at most.
/// Source: Mesos' agent leaves 1 GiB, or half of a small machine.
const MEMORY_LEFT_BYTES_MAX: u64 = 1 << 30;

/// Ports that tasks may be given. Source: Mesos' agent.
const PORTS: (u16, u16) = (31_000, 32_000);

/// Memory of a machine that does not tell. Source: Mesos' agent.
const MEMORY_UNKNOWN_BYTES: u64 = 1 << 30;

/// Cpus, memory, disk below `state` and ports of this machine, within the limits of the control
/// group this process is in.
pub fn resources(state: &Path) -> Resources {
    let cpus = std::thread::available_parallelism().map_or(1, |cpus| cpus.get() as u64);
    let memory = memory_bytes().unwrap_or(MEMORY_UNKNOWN_BYTES);
    let disk = rustix::fs::statvfs(state).map_or(0, |disk| disk.f_bavail * disk.f_frsize);
    let memory_left = (memory / 8).min(MEMORY_LEFT_BYTES_MAX);
    let mut resources = Resources::new(1_000 * cpus, memory - memory_left);
    resources.disk_bytes = disk / 2;
    resources.ports = Ports::from_ranges([PORTS]);
    resources
}

/// What this machine calls its present start; nothing if it does not tell.
pub fn boot() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

/// The machine's name, for people.
pub fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The machine's memory or the control group's, whichever is less.
fn memory_bytes() -> Option<u64> {
    let machine = total_kib(&std::fs::read_to_string("/proc/meminfo").ok()?)? * 1_024;
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let group = group.and_then(|text| text.trim().parse().ok());
    Some(group.map_or(machine, |group: u64| group.min(machine)))
}

fn total_kib(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn total_memory_is_read_from_its_line() {
        assert_eq!(total_kib("MemTotal:       24576000 kB\nMemFree: 1 kB\n"), Some(24_576_000));
        assert_eq!(total_kib("MemFree: 1 kB\n"), None);
    }

    #[test]
    fn start_of_the_machine_has_one_name() {
        assert_eq!(boot(), boot());
        assert!(boot().is_none_or(|id| !id.contains(char::is_whitespace)));
    }

    #[test]
    fn every_machine_has_cpus_and_memory() {
        let resources = resources(Path::new("/"));
        assert!(resources.cpus_milli >= 1_000 && resources.memory_bytes > 0);
    }
}
