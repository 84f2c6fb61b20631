use strongroom::client::{BackupHost, DriveError, FlowHost, Host};

struct Careless;

impl Host for Careless {
    type Error = DriveError;
    type Body = std::io::Empty;
}

impl FlowHost for Careless {}

impl BackupHost for Careless {}

fn main() {}
