use strongroom::{
    Limits,
    client::{
        Backup,
        backup::BackupOptions,
        flow::{Flow, Recover, SavedFlow, SetUp},
    },
};

fn restore(saved: &SavedFlow) {
    let options = BackupOptions::default();
    let _ = Backup::from_saved(saved, "@a:b.org".into(), "A".into(), options, Limits::default()); //~ E0308 expected `&SavedBackup`, found `&SavedFlow`
}

fn is_kept(saved: <SetUp as Flow>::Saved) -> <Recover as Flow>::Saved {
    saved //~ E0308 expected `SavedBackup`, found `SavedFlow`
}
