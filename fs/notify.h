/* notify.h: telling systemd, where it runs us, how we are (sd_notify(3)); nothing elsewhere, or where credfs was built
 * without libsystemd.
 */
#ifndef CREDFS_NOTIFY_H
#define CREDFS_NOTIFY_H

void notify_ready(void);
void notify_reloading(void);
void notify_watchdog(void);

#endif
