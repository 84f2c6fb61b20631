//! Does with secrets what the library does with them, while memcheck takes every secret for undefined: it then reports each
//! branch and each address that depends on one. `run` compares these reports with those that are known.

mod cases;
mod sample;
mod secrets;

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    let name = env::args().nth(1).unwrap_or_default();
    let Some((_, case)) = cases::ALL.iter().find(|(known, _)| *known == name) else {
        for (name, _) in cases::ALL {
            println!("{name}");
        }
        return ExitCode::from(u8::from(!name.is_empty()) * 2);
    };
    case();
    ExitCode::SUCCESS
}
