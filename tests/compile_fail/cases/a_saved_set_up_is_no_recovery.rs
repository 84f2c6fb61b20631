use strongroom::{
    Limits,
    client::{
        Backup,
        backup::BackupOptions,
        flow::{Flow, Recover, SavedSetUp, SetUp},
    },
};

fn restore(saved: &SavedSetUp) {
    let options = BackupOptions::default();
    let _ = Backup::from_saved(saved, "@a:b.org".into(), "A".into(), options, Limits::default()); //~ E0308 expected `&SavedBackup`, found `&SavedSetUp`
}

fn is_kept(saved: <SetUp as Flow>::Saved) -> <Recover as Flow>::Saved {
    saved //~ E0308 expected `SavedBackup`, found `SavedSetUp`
}
