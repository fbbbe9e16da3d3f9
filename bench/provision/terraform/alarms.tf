# SNS topic, the alarms of each instance and of the load balancer, and the dashboard that shows them.
resource "aws_sns_topic" "this" { name = var.name }

resource "aws_sns_topic_policy" "this" {
  arn = aws_sns_topic.this.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Alarms"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.this.arn
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

locals {
  automate = "arn:aws:automate:us-east-1:ec2"
  # For each instance: metric, comparison, threshold, period in seconds, periods, action beside the topic.
  per_instance = {
    machine = ["StatusCheckFailed_System", "GreaterThanOrEqualToThreshold", 1, 60, 2, "Maximum", ["${local.automate}:recover"]]
    system  = ["StatusCheckFailed_Instance", "GreaterThanOrEqualToThreshold", 1, 60, 3, "Maximum", ["${local.automate}:reboot"]]
    cpu     = ["CPUUtilization", "GreaterThanThreshold", 80, 300, 3, "Average", []]
    credits = ["CPUCreditBalance", "LessThanThreshold", 10, 300, 3, "Minimum", []]
  }
  instance_alarms = merge([for number in range(var.instance_count) : {
    for key, alarm in local.per_instance : "${number + 1}-${key}" => { number = number, key = key, alarm = alarm }
  }]...)
  balancer = { LoadBalancer = aws_lb.this.arn_suffix, TargetGroup = aws_lb_target_group.this.arn_suffix }
}

resource "aws_cloudwatch_metric_alarm" "instance" {
  for_each            = local.instance_alarms
  alarm_name          = "${var.name}-${each.key}"
  namespace           = "AWS/EC2"
  metric_name         = each.value.alarm[0]
  comparison_operator = each.value.alarm[1]
  threshold           = each.value.alarm[2]
  period              = each.value.alarm[3]
  evaluation_periods  = each.value.alarm[4]
  statistic           = each.value.alarm[5]
  alarm_actions       = concat([aws_sns_topic.this.arn], each.value.alarm[6])
  ok_actions          = [aws_sns_topic.this.arn]
  dimensions          = { InstanceId = aws_instance.this[each.value.number].id }
}

resource "aws_cloudwatch_metric_alarm" "unhealthy" {
  alarm_name          = "${var.name}-unhealthy-targets"
  namespace           = "AWS/ApplicationELB"
  metric_name         = "UnHealthyHostCount"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 2
  statistic           = "Maximum"
  alarm_actions       = [aws_sns_topic.this.arn]
  ok_actions          = [aws_sns_topic.this.arn]
  dimensions          = local.balancer
}

resource "aws_cloudwatch_metric_alarm" "response_time" {
  alarm_name          = "${var.name}-response-time"
  namespace           = "AWS/ApplicationELB"
  metric_name         = "TargetResponseTime"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 2
  period              = 60
  evaluation_periods  = 3
  extended_statistic  = "p95"
  alarm_actions       = [aws_sns_topic.this.arn]
  ok_actions          = [aws_sns_topic.this.arn]
  dimensions          = local.balancer
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "${var.name}-errors"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 1
  evaluation_periods  = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.this.arn]
  ok_actions          = [aws_sns_topic.this.arn]

  metric_query {
    id          = "share"
    expression  = "IF(answers > 0, 100 * (FILL(server, 0) + FILL(door, 0)) / answers, 0)"
    label       = "5xx in per cent"
    return_data = true
  }

  metric_query {
    id         = "answers"
    expression = "FILL(requests, 0) + FILL(door, 0)"
  }

  dynamic "metric_query" {
    for_each = { requests = "RequestCount", server = "HTTPCode_Target_5XX_Count", door = "HTTPCode_ELB_5XX_Count" }
    content {
      id = metric_query.key
      metric {
        namespace   = "AWS/ApplicationELB"
        metric_name = metric_query.value
        period      = 60
        stat        = "Sum"
        dimensions  = local.balancer
      }
    }
  }
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({
    widgets = [{
      type = "alarm", x = 0, y = 0, width = 24, height = 6
      properties = {
        title = "Alarms"
        alarms = concat(values(aws_cloudwatch_metric_alarm.instance)[*].arn, [
          aws_cloudwatch_metric_alarm.unhealthy.arn, aws_cloudwatch_metric_alarm.response_time.arn,
          aws_cloudwatch_metric_alarm.errors.arn,
        ])
      }
    }]
  })
}
