//! The loops, written once for hosts that block and for those that do not: `$wait` is nothing, or `await`.
//!
//! A macro, since a function cannot be both. Each step is [held](super::held) while the host works on it.

/// Does what a flow wants.
macro_rules! serve_flow {
    ($flow:ident, $host:ident $(, $wait:tt)?) => {{
        let mut refused = None;
        loop {
            let now_ms = $host.now_ms();
            let step = match $flow.next(now_ms).map_err(AnswerError::from)? {
                Step::Done(outcome) => return Ok(Some(*outcome)),
                step => step,
            };
            let mut held = Held::new(&mut *$flow, step, take_back, now_ms);
            let (flow, Some(step)) = held.parts() else { continue };
            match step {
                Step::Save(saved) => {
                    let (backup, kept) = F::parts(saved);
                    $host.save(backup, kept)$(.$wait)??;
                    flow.saved();
                }
                Step::Send(operation) => {
                    let answer = carry_out!(flow, $host, operation, flow.machine_mut().get_mut() $(, $wait)?);
                    let _ = flow.answer(operation.id(), answer, $host.now_ms());
                    flow.backup().into_iter().for_each(|backup| $host.progress(backup));
                }
                Step::ReadAccountData => flow.account_data($host.account_data()$(.$wait)??),
                Step::Sign(id, to_sign) => {
                    let signatures = $host.sign(to_sign)$(.$wait)??;
                    flow.signed(*id, &signatures)?;
                }
                Step::ShowRecoveryKey(key) => {
                    $host.show_recovery_key(key)$(.$wait)??;
                    flow.recovery_key_saved();
                }
                Step::EnterKey => match $host.enter_key(refused.as_ref())$(.$wait)?? {
                    Some(typed) => refused = flow.enter(typed.expose_str(), $host.now_ms()).err(),
                    None => flow.skip_key($host.now_ms()),
                },
                Step::Import(id, version, sessions) => {
                    $host.import(version, sessions)$(.$wait)??;
                    flow.ack(*id);
                    flow.backup().into_iter().for_each(|backup| $host.progress(backup));
                }
                Step::NeedsToken { soft_logout } => {
                    $host.renew_token(*soft_logout)$(.$wait)??;
                    flow.resume();
                }
                Step::Secrets(secrets) => $host.secrets(secrets)$(.$wait)??,
                Step::Wait(until_ms) => {
                    let waiting = flow.waiting_for();
                    if until_ms.is_none() && waiting.is_empty() {
                        // It has ended before.
                        return Ok(None);
                    }
                    match $host.wait(*until_ms, &waiting)$(.$wait)?? {
                        ControlFlow::Continue(()) => {}
                        ControlFlow::Break(()) => return Ok(None),
                    }
                }
                Step::Done(_) => {}
            }
            held.done();
        }
    }};
}

/// Does what the account's machine wants.
macro_rules! serve_backup {
    ($backup:ident, $host:ident $(, $wait:tt)?) => {{
        $backup.set_signers($host.trusted_signers()$(.$wait)??);
        loop {
            let now_ms = $host.now_ms();
            let next = $backup.next(now_ms).map_err(AnswerError::from)?;
            let mut held = Held::new(&mut *$backup, next, Backup::take_back, now_ms);
            let (backup, Some(next)) = held.parts() else { continue };
            match next {
                Next::Save(saved) => {
                    $host.save(saved, None)$(.$wait)??;
                    backup.saved();
                }
                Next::Send(operation) => {
                    let answer = carry_out!(backup, $host, operation, Some(&mut *backup) $(, $wait)?);
                    let _ = backup.answer(operation.id(), answer, $host.now_ms());
                    $host.progress(backup);
                }
                Next::Want { version, count, bytes } => {
                    let sessions = $host.offer(version, *count, *bytes)$(.$wait)??;
                    backup.offer(&sessions).map_err(AnswerError::from)?;
                }
                Next::Stored(id, version, tokens) => {
                    $host.stored(version, tokens)$(.$wait)??;
                    backup.ack(*id);
                    $host.progress(backup);
                }
                Next::NotStored(id, version, failures) => {
                    $host.not_stored(version, failures)$(.$wait)??;
                    backup.ack(*id);
                    $host.progress(backup);
                }
                Next::Lost(id, version) => {
                    $host.lost(version)$(.$wait)??;
                    backup.ack(*id);
                }
                Next::Import(id, version, sessions) => {
                    $host.import(version, sessions)$(.$wait)??;
                    backup.ack(*id);
                    $host.progress(backup);
                }
                Next::Sign(id, to_sign) => {
                    let signatures = $host.sign(to_sign)$(.$wait)??;
                    backup.signed(*id, &signatures)?;
                }
                Next::StoreSecret(secret) => {
                    if let Some(stored) = $host.store_secret(secret)$(.$wait)?? {
                        backup.secret_read_back(Some(&stored))?;
                    }
                }
                Next::DeleteSecret => {
                    if $host.delete_secret()$(.$wait)?? {
                        backup.secret_read_back(None)?;
                    }
                }
                Next::Ask(id, question) => {
                    if let Some(reply) = $host.ask(*id, question)$(.$wait)?? {
                        backup.reply(*id, reply)?;
                    }
                }
                Next::RefreshSigners => backup.set_signers($host.trusted_signers()$(.$wait)??),
                Next::NeedsToken { soft_logout } => {
                    $host.renew_token(*soft_logout)$(.$wait)??;
                    backup.resume();
                }
                Next::UploadRefused(error) => {
                    $host.notice(Notice::UploadRefused(error))$(.$wait)??;
                }
                Next::Fetched(scope, outcome) => {
                    let outcome = outcome.as_ref().map(|report| &**report);
                    $host.notice(Notice::Fetched(scope, outcome))$(.$wait)??;
                }
                Next::NotCreated(reason) => $host.notice(Notice::NotCreated(reason))$(.$wait)??,
                Next::NotDeleted(error) => $host.notice(Notice::NotDeleted(error))$(.$wait)??,
                Next::Withdrawn(_, outcome) => {
                    $host.notice(Notice::Withdrawn(outcome.as_ref().copied()))$(.$wait)??;
                }
                Next::PreferenceNotSet { enabled, refused } => {
                    let refused = refused.as_ref();
                    let notice = Notice::PreferenceNotSet { enabled: *enabled, refused };
                    $host.notice(notice)$(.$wait)??;
                }
                Next::Wait(until_ms) => {
                    let waiting = backup.waiting_for();
                    match $host.wait(*until_ms, &waiting)$(.$wait)?? {
                        ControlFlow::Continue(()) => {}
                        ControlFlow::Break(()) => return Ok(()),
                    }
                }
            }
            held.done();
        }
    }};
}

/// Sends a request, and gives the answer; of one that is streamed, what the pieces have left.
macro_rules! carry_out {
    ($who:ident, $host:ident, $operation:ident, $backup:expr $(, $wait:tt)?) => {
        match $host.send($operation)$(.$wait)?? {
            None => None,
            Some(response) => {
                let (head, mut body) = response.into_parts();
                let is_streamed = $operation.is_streamed() && head.status.is_success();
                let longest = $backup.map_or(0, |backup| backup.longest_answer());
                let mut whole = Vec::new();
                loop {
                    match $host.read(&mut body)$(.$wait)? {
                        Err(_) => break None,
                        Ok(piece) if piece.is_empty() || whole.len() > longest => {
                            break Some(http::Response::from_parts(head, whole));
                        }
                        Ok(piece) if is_streamed => {
                            let _ = $who.part($operation.id(), &piece);
                            import_pieces!($host, $backup $(, $wait)?);
                            if $backup.is_some_and(|backup| backup.has_ended_early()) {
                                break Some(http::Response::from_parts(head, whole));
                            }
                        }
                        Ok(piece) => whole.extend_from_slice(&piece),
                    }
                }
            }
        }
    };
}

/// Puts away what has come with a piece, before the next one is read.
macro_rules! import_pieces {
    ($host:ident, $backup:expr $(, $wait:tt)?) => {{
        let now_ms = $host.now_ms();
        if let Some(backup) = $backup {
            let mut held = HeldImports::new(backup, now_ms);
            while let Some((version, sessions)) = held.first() {
                $host.import(version, sessions)$(.$wait)??;
                $host.progress(held.ack());
            }
        }
    }};
}

pub(super) use {carry_out, import_pieces, serve_backup, serve_flow};
