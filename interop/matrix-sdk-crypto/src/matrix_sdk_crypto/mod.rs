//! Their machine and ours on the two sides of a backup, a key file, a secret storage and a signature.

mod auth_data;
mod exported_sessions;
mod key_files;
mod pushed_secrets;
mod secret_storage;
mod secrets_bundle;
mod sessions;
