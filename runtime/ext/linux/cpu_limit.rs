//! The CPU time that the process's cgroup may use, in CPUs: found once, read again and again.
//!
//! As in Go, only the cgroup in which the process is at the start is read, not its parents. Its
//! files stay open, so reading them later needs no allocation and no path.
//!
//! Go: internal/runtime/cgroup.
#![forbid(unsafe_code)]

use std::fs::{File, read_to_string};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The file with a cgroup's limit.
#[derive(Debug)]
pub(crate) enum CpuLimit {
    /// `cpu.max`: `QUOTA PERIOD`, or `max PERIOD`.
    V2(File),
    /// `cpu.cfs_quota_us`, -1 for no limit, and `cpu.cfs_period_us`.
    V1(File, File),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

impl CpuLimit {
    /// Of the calling process; `None`: there is no cgroup that could limit it.
    pub(crate) fn find() -> Option<CpuLimit> {
        let (version, group) = group(&read_to_string("/proc/self/cgroup").ok()?)?;
        let mounts = read_to_string("/proc/self/mountinfo").ok()?;
        CpuLimit::open(version, &folder(&mounts, version, &group)?).ok()
    }

    fn open(version: Version, folder: &Path) -> io::Result<CpuLimit> {
        let file = |name| File::open(folder.join(name));
        Ok(match version {
            Version::V1 => CpuLimit::V1(file("cpu.cfs_quota_us")?, file("cpu.cfs_period_us")?),
            Version::V2 => CpuLimit::V2(file("cpu.max")?),
        })
    }

    /// The limit now, in CPUs, rounded up; `None`: no limit. No allocation.
    pub(crate) fn read(&self) -> Option<u64> {
        let (quota, period) = match self {
            CpuLimit::V1(quota, period) => (numbers(quota)[0]?, numbers(period)[0]?),
            CpuLimit::V2(file) => {
                let [quota, period] = numbers(file);
                (quota?, period?)
            }
        };
        (quota > 0 && period > 0).then(|| quota.div_ceil(period))
    }
}

/// The first two words of a file, if they are numbers: `max` and -1 are none.
fn numbers(file: &File) -> [Option<u64>; 2] {
    let mut bytes = [0; 64];
    let read = file.read_at(&mut bytes, 0).unwrap_or(0);
    let text = std::str::from_utf8(&bytes[..read]).unwrap_or("");
    let mut words = text.split_ascii_whitespace().map(|word| word.parse().ok());
    [words.next().flatten(), words.next().flatten()]
}

/// From `/proc/self/cgroup`: the cgroup that the controller for CPU time has us in.
fn group(text: &str) -> Option<(Version, String)> {
    let mut v2 = None;
    for line in text.lines() {
        let mut parts = line.splitn(3, ':');
        let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        if number == "0" {
            v2 = Some((Version::V2, path.to_owned()));
        } else if controllers.split(',').any(|name| name == "cpu") {
            // A controller is in one hierarchy only.
            return Some((Version::V1, path.to_owned()));
        }
    }
    v2
}

/// From `/proc/self/mountinfo`: the folder in which we see this cgroup.
fn folder(mounts: &str, version: Version, group: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut before = before.split(' ').skip(3);
        let (root, point) = (plain(before.next()?), plain(before.next()?));
        let mut after = after.split(' ');
        let (kind, _source, options) = (after.next()?, after.next()?, after.next()?);
        let fits = match version {
            Version::V1 => kind == "cgroup" && options.split(',').any(|o| o == "cpu"),
            Version::V2 => kind == "cgroup2",
        };
        let inside = Path::new(group).strip_prefix(&root).ok().filter(|_| fits)?;
        Some(Path::new(&point).join(inside))
    })
}

/// A path of mountinfo without its escapes: `\040` is a space.
fn plain(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut plain = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let code = part
            .get(..3)
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                plain.push(char::from(code));
                plain.push_str(&part[3..]);
            }
            None => {
                plain.push('\\');
                plain.push_str(part);
            }
        }
    }
    plain
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::fs::write;

    #[test]
    fn the_cgroup_is_the_one_with_the_controller() {
        let v1 = "5:memory:/m\n4:cpuacct:/a\n2:cpu,cpuset:/docker/1\n0::/unified\n";
        assert_eq!(group(v1), Some((Version::V1, "/docker/1".to_owned())));
        let v2 = "1:name=systemd:/\n0::/user.slice/a:b\n";
        assert_eq!(group(v2), Some((Version::V2, "/user.slice/a:b".to_owned())));
        assert_eq!(group("1:name=systemd:/\n"), None);
        assert_eq!(group(""), None);
    }

    #[test]
    fn the_folder_is_where_the_cgroup_is_mounted() {
        let mounts = "\
            22 1 0:20 / /proc rw - proc proc rw\n\
            30 22 0:26 /other /mnt/x rw - cgroup2 cgroup rw\n\
            31 22 0:27 /docker/1 /sys/fs/cg\\040roup rw shared:9 master:2 - cgroup2 cgroup rw\n\
            32 22 0:28 / /sys/fs/acct rw - cgroup cgroup rw,cpuacct\n\
            33 22 0:29 / /sys/fs/cpu rw - cgroup cgroup rw,cpuset,cpu\n";
        let of = |version, group| folder(mounts, version, group);
        let there = |path: &str| Some(PathBuf::from(path));
        assert_eq!(of(Version::V2, "/docker/1/a"), there("/sys/fs/cg roup/a"));
        assert_eq!(of(Version::V2, "/docker/1"), there("/sys/fs/cg roup/"));
        assert_eq!(of(Version::V2, "/docker/12"), None);
        assert_eq!(
            of(Version::V1, "/docker/12"),
            there("/sys/fs/cpu/docker/12")
        );
    }

    #[test]
    fn a_limit_is_read_as_it_is_now() {
        let folder = std::env::temp_dir().join(format!("gosched-limit-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        assert!(CpuLimit::open(Version::V2, &folder).is_err());
        let v2 = folder.join("cpu.max");
        write(&v2, "max 100000\n").unwrap();
        let limit = CpuLimit::open(Version::V2, &folder).unwrap();
        assert_eq!(limit.read(), None);
        for (text, cpus) in [
            ("50000 100000\n", Some(1)),
            ("250000 100000\n", Some(3)),
            ("400000 100000\n", Some(4)),
            ("0 100000\n", None),
            ("7 0\n", None),
            ("nonsense", None),
        ] {
            write(&v2, text).unwrap();
            assert_eq!(limit.read(), cpus, "{text}");
        }
        let (quota, period) = (
            folder.join("cpu.cfs_quota_us"),
            folder.join("cpu.cfs_period_us"),
        );
        write(&quota, "-1\n").unwrap();
        write(&period, "100000\n").unwrap();
        let limit = CpuLimit::open(Version::V1, &folder).unwrap();
        assert_eq!(limit.read(), None);
        write(&quota, "150000\n").unwrap();
        assert_eq!(limit.read(), Some(2));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
