## Khung trang
menu = Các trang
on-air = Đang phát
run-sheet = Lịch phát
receivers = Cụm loa
as-run = Nhật ký phát
skip = Đến nội dung
log-out = Đăng xuất
problem = Chưa làm được
not-found = Không có trang này.
back = Về trang Đang phát

## Đăng nhập
log-in = Đăng nhập
log-in-hint = Dành cho người trực đài.
user-name = Tên đăng nhập
password = Mật khẩu
login-wrong = Sai tên đăng nhập hoặc mật khẩu.
login-too-many = Thử quá nhiều lần. Hãy đợi một phút.

## Đang phát
no-zones = Chưa có địa bàn nào. Nhập bằng lệnh: loa schedule import zones.toml
silent = Đang im
sounding = { $sounding } trên { $all } địa bàn đang có tiếng
from = từ
until = đến
put-on-by = người phát:
next = Tiếp theo
waiting = Đang chờ
drop = Bỏ
drop-confirm = Bỏ chương trình đang chờ này?
stop = Dừng
stop-confirm = Dừng phát chương trình này?
listen = Nghe
listen-failed = Không phát được tiếng của địa bàn này ở đây. Hãy thử lại, hoặc mở tệp SDP bằng trình phát khác.
as-of = Cập nhật lúc
connection-lost = Mất kết nối với trung tâm phát. Thông tin trên trang có thể đã cũ; đang thử nối lại.
override = Phát chen ngay
override-hint = Phát ngay một tệp trong thư viện, chen lên mọi chương trình yếu hơn. Phát xong, chương trình bị chen tự phát tiếp.
override-confirm = Phát ngay nội dung này?
no-media = Thư viện chưa có tệp nào. Thêm bằng lệnh: loa media add TỆP
library-unavailable = Thư viện không trả lời nên chưa chọn được tệp. Chương trình đang phát không bị ảnh hưởng.
zone = Địa bàn
media = Tệp âm thanh
class = Loại bản tin
limit-min = Tự dừng sau (phút)
chime = Có nhạc hiệu trước
start = Phát ngay

## Lịch phát và nhật ký
date = { $day }/{ $month }/{ $year }
monday = Thứ Hai
tuesday = Thứ Ba
wednesday = Thứ Tư
thursday = Thứ Năm
friday = Thứ Sáu
saturday = Thứ Bảy
sunday = Chủ Nhật
day = Ngày
every-zone = Mọi địa bàn
show = Xem
today = Hôm nay
day-before = Hôm trước
day-after = Hôm sau
run-sheet-number = Lịch số { $number }
nothing-planned = Ngày này không có chương trình nào trong lịch.
nothing-aired = Ngày này không phát gì.
part = phần { $part }
on-air-now = đang phát
put-on = người phát: { $by }
not-aired = không phát

## Cụm loa
no-receivers = Chưa đăng ký cụm loa nào. Thêm bằng lệnh: loa receiver add
receivers-heard = { $heard } trên { $all } cụm loa báo về trong phút vừa qua
receivers-never = Chưa từng báo về: { $codes }
receiver-never = Chưa từng báo về
receiver-never-hint = Đã bật điện chưa, có mạng chưa, cấu hình có đúng mã này không?
receiver-late = Không báo về từ { $at }
receiver-heard = Báo về lúc { $at }
plays = Đang phát
played = Phát lần cuối
buffer = Bộ đệm
output = Mức ra
clock = Đồng hồ
clock-ok = đã đồng bộ
clock-arrival = phát theo lúc nhận
counts = Từ lúc khởi động
count-lost = mất
count-late = đến muộn
count-concealed = phải che lấp
count-forged = giả mạo
count-unknown-key = khóa lạ
count-unauthorised = không được phép
count-stale = quá hạn
count-replayed = phát lại
count-malformed = sai dạng
count-wrong-zone = sai địa bàn
count-undecodable = không giải mã được
count-net-kernel-full = hàng đợi mạng đầy
count-card-underruns = card âm thanh hụt tiếng
count-card-lost = mất card âm thanh

## Loại bản tin và dự kiến
class-background = Nền
class-normal = Thông thường
class-priority = Ưu tiên
class-live = Trực tiếp
class-emergency = Khẩn cấp
verdict-airs = sẽ phát
verdict-shifts = phát lệch giờ
verdict-dropped = không phát

## Vì sao kết thúc
end-completed = phát hết
end-time-limit = hết giờ cho phép
end-pre-empted = bị chen
end-pre-empted-by = bị “{ $title }” chen
end-stopped = { $by } dừng
end-missed = lỡ giờ
end-unplanned = bị bỏ khỏi lịch
end-head-end-stopped = trung tâm phát tắt theo lệnh
end-head-end-lost = trung tâm phát mất đột ngột
end-fault = lỗi: { $what }

## Vì sao một dòng lịch như vậy
reason-scheduled = theo lịch: { $rule }
reason-cut = dài { $length }, khung giờ cho { $limit }: nhỏ dần rồi dừng ở đó
reason-outranks = chen lên #{ $line } “{ $title }” ({ $why })
reason-yields = nhường #{ $line } “{ $title }” ({ $why }), { $then }
reason-off-air = ngừng phát từ { $from } đến { $back }
reason-off-air-for-good = ngừng phát hẳn từ { $from }
reason-ceded = ở { $zone } nghe #{ $line } “{ $title }” thay vào ({ $why })
reason-media-missing = thư viện không có tệp này
reason-cancelled = bỏ trong ngày này
reason-cancelled-because = bỏ trong ngày này: { $note }
then-resume = sau đó phát tiếp từ chỗ bị cắt
then-rejoin = sau đó vào lại giữa chừng
then-drop = sau đó thôi
tie-class = loại mạnh hơn
tie-authority = cấp cao hơn
tie-first-come = bắt đầu trước
tie-newest = khẩn cấp mới hơn

## Từ chối
refused-log-in-first = Bạn chưa đăng nhập.
refused-too-many-listeners = Đang có quá nhiều người theo dõi. Hãy thử lại sau.
refused-no-zone = Không có địa bàn “{ $code }”.
refused-no-media = Thư viện không còn tệp âm thanh này ({ $hash }).
refused-no-run-sheet = Không có lịch phát ngày { $date }.
refused-no-date = “{ $text }” không phải là ngày. Hãy viết như 2026-12-04.
refused-limit = Phát chen phải tự dừng sau 1 đến { $most } phút.
refused-zone-gone = Không còn địa bàn này.
refused-session-over = Chương trình này đã kết thúc, không còn phát và cũng không chờ.
refused-zone-full = Địa bàn này đã có { $most } chương trình đang phát và đang chờ. Hãy dừng bớt.
refused-shutting-down = Trung tâm phát đang tắt.
refused-by-engine = Trung tâm phát từ chối: { $why }.
refused-not-found = Không tìm thấy: { $what }.
refused-unavailable = Trung tâm phát chưa trả lời được: { $why }. Chương trình đang phát không bị ảnh hưởng.
refused-bad-request = Trung tâm phát không hiểu yêu cầu này.
refused-other-site = Yêu cầu đến từ một trang khác nên không được thực hiện.
refused-too-long = Nội dung dài quá mức cho phép.
refused-fault = Trang này gặp lỗi. Chương trình đang phát không bị ảnh hưởng.
