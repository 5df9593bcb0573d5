// What programs may expect of `std::process`.

mod processes {
    use super::{process, run};
    use process::{Command, Stdio};
    use std::io::{ErrorKind, Read, Write};
    use std::os::unix::process::ExitStatusExt;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn status_and_signal() {
        run(|| {
            assert!(shell("exit 0").status().unwrap().success());
            assert_eq!(shell("exit 7").status().unwrap().code(), Some(7));
            let status = shell("kill -9 $$").status().unwrap();
            assert_eq!((status.code(), status.signal()), (None, Some(9)));
            let e = Command::new("/no/such/program").spawn().unwrap_err();
            assert_eq!(e.kind(), ErrorKind::NotFound);
            let e = Command::new("/").spawn().unwrap_err();
            assert_eq!(e.kind(), ErrorKind::PermissionDenied);
            let e = shell("").current_dir("/no/such/dir").spawn().unwrap_err();
            assert_eq!(e.kind(), ErrorKind::NotFound);
        });
    }

    #[test]
    fn output_takes_what_nobody_chose() {
        run(|| {
            let mut command = shell("cat; echo out; echo err >&2; exit 3");
            for _ in 0..2 {
                let output = command.output().unwrap();
                assert_eq!(output.status.code(), Some(3));
                assert_eq!(output.stdout, b"out\n"); // and the input was empty
                assert_eq!(output.stderr, b"err\n");
            }
            let output = command.stderr(Stdio::null()).output().unwrap();
            assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"out\n"[..], &b""[..]));
            let output = command.stdout(Stdio::null()).output().unwrap();
            assert_eq!(output.stdout, b"");
            // That `output` made pipes changes nothing for `spawn`.
            let mut command = shell("exit 0");
            command.output().unwrap();
            let mut child = command.stdout(Stdio::null()).spawn().unwrap();
            assert!(child.stdin.is_none() && child.stdout.is_none() && child.stderr.is_none());
            assert!(child.wait().unwrap().success());
        });
    }

    /// Each pipe holds less than what comes through it.
    #[test]
    fn both_pipes_are_read_at_once() {
        run(|| {
            for first in ["", ">&2"] {
                let script = format!("head -c 300000 /dev/zero {first}; head -c 200000 /dev/zero");
                let output = shell(&format!("{script}; {script} >&2")).output().unwrap();
                assert!(output.status.success());
                assert_eq!(output.stdout.len() + output.stderr.len(), 1_000_000);
            }
        });
    }

    #[test]
    fn piped_ends() {
        run(|| {
            let mut cat = Command::new("cat")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            assert!(cat.id() > 0 && cat.stderr.is_none());
            let mut to = cat.stdin.take().unwrap();
            let mut from = cat.stdout.take().unwrap();
            for i in 0..20 {
                to.write_all(&[i]).unwrap();
                let mut byte = [0];
                from.read_exact(&mut byte).unwrap();
                assert_eq!(byte, [i]);
            }
            assert_eq!(cat.try_wait().unwrap(), None);
            drop(to);
            assert_eq!(from.read(&mut [0]).unwrap(), 0);
            let status = cat.wait().unwrap();
            assert!(status.success());
            assert_eq!(cat.wait().unwrap(), status);
            assert_eq!(cat.try_wait().unwrap(), Some(status));
            cat.kill().unwrap(); // it has ended: no error
            // `wait` closes the input, and so does `wait_with_output`.
            let mut cat = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
            assert!(cat.wait().unwrap().success() && cat.stdin.is_none());
            let cat = Command::new("cat")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            assert_eq!(cat.wait_with_output().unwrap().stdout, b"");
        });
    }

    #[test]
    fn one_child_reads_what_another_writes() {
        run(|| {
            let mut first = shell("echo b; echo a").stdout(Stdio::piped()).spawn().unwrap();
            let output = Command::new("sort")
                .stdin(first.stdout.take().unwrap())
                .output()
                .unwrap();
            assert_eq!(output.stdout, b"a\nb\n");
            assert!(first.wait().unwrap().success());
        });
    }

    #[test]
    fn environment_directory_and_arguments() {
        run(|| {
            let mut command = shell("echo $A$B$C; pwd; echo $0 $1");
            command.env("A", "1").envs([("B", "2"), ("C", "3")]).env_remove("C");
            command.current_dir("/").arg("x").args(["y"]);
            let output = command.output().unwrap();
            assert_eq!(output.stdout, b"12\n/\nx y\n");
            assert_eq!(command.get_program(), "sh");
            assert_eq!(command.get_args().count(), 4);
            assert_eq!(command.get_envs().count(), 3);
            assert_eq!(command.get_current_dir(), Some("/".as_ref()));
            assert!(format!("{command:?}").contains("\"sh\""));
            let path = std::env::var_os("PATH").unwrap();
            let output = Command::new("env").env_clear().env("PATH", &path).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            assert_eq!(text.lines().count(), 1, "{text}");
        });
    }

    #[test]
    fn a_child_that_is_killed() {
        run(|| {
            let mut sleep = Command::new("sleep").arg("3600").spawn().unwrap();
            assert_eq!(sleep.try_wait().unwrap(), None);
            sleep.kill().unwrap();
            assert_eq!(sleep.wait().unwrap().signal(), Some(9));
        });
    }
}
