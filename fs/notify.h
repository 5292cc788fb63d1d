/* notify.h: telling systemd, where it runs us, how we are (sd_notify(3)); nothing elsewhere, or where credfs was built
 * without libsystemd.
 */
#ifndef CREDFS_NOTIFY_H
#define CREDFS_NOTIFY_H

/* Where systemd runs us, start the thread that tells it; call once, before the rest. */
void notify_start(void);

/* None of these waits for systemd; what has not been sent when the next comes is not sent any more. */
void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
void notify_watchdog(void); /* called often; sent as often as systemd wants it */

/* Wait a moment for what is still to be sent: the process is about to end. */
void notify_flush(void);

#endif
