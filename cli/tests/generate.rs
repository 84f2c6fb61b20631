//! Man pages and completions, which the feature `generate` makes.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "a test starts the program and stops at the first surprise"
)]

use std::{fs, path::Path, process::Command};

#[test]
fn every_command_has_a_man_page_and_every_shell_its_completions() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated");
    let _ = fs::remove_dir_all(&folder);
    let program = env!("CARGO_BIN_EXE_strongroom");
    let status = Command::new(program).args(["generate", "--to"]).arg(&folder).status().unwrap();
    assert!(status.success());
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let help = String::from_utf8(Command::new(program).arg("--help").output().unwrap().stdout);
    let help = help.unwrap();
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<_> = commands
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(commands.contains(&"rescue") && commands.contains(&"migrate"), "{help}");
    assert!(!commands.contains(&"generate"), "{help}");
    let [bash, zsh, fish] = ["strongroom.bash", "_strongroom", "strongroom.fish"]
        .map(|name| read(&format!("completions/{name}")));
    for command in commands {
        let page = read(&format!("man/strongroom-{command}.1"));
        assert!(page.contains(".TH") && page.contains(command), "{page}");
        assert!([&bash, &zsh, &fish].iter().all(|file| file.contains(command)), "{command}");
    }
    assert!(read("man/strongroom.1").contains("rescue"));
    assert!(read("man/strongroom-rescue.1").contains("recovery\\-key\\-file"));
    assert!(bash.contains("--recovery-key-file"));
    assert!(folder.join("completions/_strongroom.ps1").exists());
}
