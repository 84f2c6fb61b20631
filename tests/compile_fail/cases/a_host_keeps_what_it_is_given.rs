use strongroom::client::{BackupHost, AnswerError, FlowHost, Host};

struct Careless;

impl Host for Careless { //~ E0046 not all trait items implemented, missing: `now_ms`, `save`, `send`, `renew_token`, `import`, `sign`, `wait`
    type Error = AnswerError;
    type Body = std::io::Empty;
}

impl FlowHost for Careless {} //~ E0046 not all trait items implemented, missing: `account_data`, `show_recovery_key`, `enter_key`

impl BackupHost for Careless {} //~ E0046 not all trait items implemented, missing: `trusted_signers`, `offer`, `stored`, `not_stored`, `lost`, `ask`, `store_secret`, `delete_secret`, `notice`
