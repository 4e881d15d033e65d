/**
 * A self-signed certificate for tests, for `localhost`, `127.0.0.1` and `understudy.test`. Its key is public by being here:
 * never trust it anywhere else. Made with `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 36500`.
 */
export const certificate = `-----BEGIN CERTIFICATE-----
MIIBujCCAV+gAwIBAgIUJPwAJxmy1zfd9YBfP/4qzdqvQ4YwCgYIKoZIzj0EAwIw
GjEYMBYGA1UEAwwPdW5kZXJzdHVkeS50ZXN0MCAXDTI2MTEyMzA2NDI1NloYDzIx
MjYxMDMwMDY0MjU2WjAaMRgwFgYDVQQDDA91bmRlcnN0dWR5LnRlc3QwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAAREAxL7+pSrIzJ0pbRSBg0qpLEcYxYBbWADuuY1
De/rbIG3Ywyzk6REKt9yxM9DzwIySlfutofACzNVZ/kinz1qo4GAMH4wHQYDVR0O
BBYEFI6CKpoKl0WS4AnIaLyrEmLtpwxQMB8GA1UdIwQYMBaAFI6CKpoKl0WS4AnI
aLyrEmLtpwxQMA8GA1UdEwEB/wQFMAMBAf8wKwYDVR0RBCQwIoIPdW5kZXJzdHVk
eS50ZXN0gglsb2NhbGhvc3SHBH8AAAEwCgYIKoZIzj0EAwIDSQAwRgIhALKyd1Ev
YY1wn7uFVj6sC0Ftt8kl12EKbn7AO7bioRPdAiEApKiNSwEZgw2f+gDGbvriCDz4
3YjN+EpWvuT5M/+hBko=
-----END CERTIFICATE-----
`

export const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgay5xYt8jWyCta/vQ
jCj8FbKCXHEfUlak6oP4QAtWiRChRANCAAREAxL7+pSrIzJ0pbRSBg0qpLEcYxYB
bWADuuY1De/rbIG3Ywyzk6REKt9yxM9DzwIySlfutofACzNVZ/kinz1q
-----END PRIVATE KEY-----
`
